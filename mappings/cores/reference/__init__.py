"""The reference core: the layout that the product ships with."""
