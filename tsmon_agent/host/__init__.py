"""Measurement of the host: samplers, and the sampling that runs them."""
