# Other correct ways to write the functions of notebook 03; every one of them must get full points.
