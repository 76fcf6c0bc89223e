"""Readers and writers of model files: the only folder that knows the format ONNX."""
