"""EXTRACT, STAGE, MAP, NEST: from a core's export to the documents of the six structures."""
