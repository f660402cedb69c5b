"""The vocabulary: the data dictionary, its rules and models, blocks, findings; imports no stage."""
