"""Who a board is: its key and identity, the label on its cabinet, and a replacement in its place."""
