// From a text to token ids: what the zoo's tokenizers of Hugging Face's library do, in JavaScript.

const WORDS = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+/gu;
const STEPS = "WordLevel Sequence Whitespace Replace Lowercase";

/** A tokenizer of lowercase words and runs of punctuation, from its JSON. */
export class Tokenizer {
  constructor(json) {
    const { model, normalizer, pre_tokenizer: words, added_tokens: special, truncation } = JSON.parse(json);
    const steps = [model, normalizer, words, ...(normalizer?.normalizers ?? [])].map((step) => step?.type).join(" ");
    if (steps !== STEPS) throw new Error(`its tokenizer has the steps ${steps}; this page knows those of the zoo alone`);
    this.vocabulary = new Map(Object.entries(model.vocab)); // an object would know the word "constructor"
    this.unknown = this.vocabulary.get(model.unk_token);
    this.special = new Map(special.map(({ content, id }) => [content, id]));
    this.between = new RegExp(`(${[...this.special.keys()].map((word) => word.replace(/\W/g, "\\$&")).join("|")})`);
    [{ pattern: { String: this.replaced }, content: this.replacement }] = normalizer.normalizers;
    this.truncation = truncation;
  }

  /** Token ids of a text, at most as many as the network learned with. */
  encode(text) {
    const ids = [];
    for (const part of text.split(this.between)) {
      if (this.special.has(part)) { ids.push(this.special.get(part)); continue; }
      const lower = Array.from(part.replaceAll(this.replaced, this.replacement), (letter) => letter.toLowerCase()).join("");
      for (const [word] of lower.matchAll(WORDS)) ids.push(this.vocabulary.get(word) ?? this.unknown);
    }
    const most = this.truncation?.max_length ?? ids.length;
    return this.truncation?.direction === "Left" ? ids.slice(-most) : ids.slice(0, most);
  }
}
