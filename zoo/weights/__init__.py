"""Published weights, each with a record of its training and metrics."""

from zoo.weights.loading import create_model
from zoo.weights.records import WeightsRecord, find_record, list_weights, weights_record

__all__ = ["WeightsRecord", "create_model", "find_record", "list_weights", "weights_record"]
