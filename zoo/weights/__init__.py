"""Published weights, each with a record of where they come from and how good they are."""

from zoo.weights.loading import create_model
from zoo.weights.records import WeightsRecord, find_record, list_weights, weights_record

__all__ = ["WeightsRecord", "create_model", "find_record", "list_weights", "weights_record"]
