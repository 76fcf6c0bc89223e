"""The spiking intermediate representation: it knows no chip and no ONNX."""
