"""Initial weights from other models: loading, widening, averaging, distillation."""
