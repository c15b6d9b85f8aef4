"""What is measured of a host: the samplers, and the sampling that reads them."""
