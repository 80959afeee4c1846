"""ONNX Runtime sessions and the threads of a process, which all networks share."""
