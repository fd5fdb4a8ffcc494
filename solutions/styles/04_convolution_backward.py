# Other correct ways to write the functions of notebook 04; every one of them must get full points.
