"""`gate help`: what people ask at a cabinet at night, offline and in their language."""
