"""The stroke reader: where the pen was within the ink."""
