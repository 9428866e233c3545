# The README's two commands, with the CPU build of torch:
#
#   docker build -t lightning-zoo .
#   docker run --rm lightning-zoo
#   docker run --rm lightning-zoo sh -c 'pip install -e ".[test]" && pytest'
FROM python:3.12-slim

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN pip install torch torchvision --index-url https://download.pytorch.org/whl/cpu

WORKDIR /zoo
COPY . .
RUN pip install -e .

CMD ["python", "scripts/fit.py", "--model", "slp"]
