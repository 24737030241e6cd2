"""Pictures of a run that need no live board: text and static HTML, and the figures beside them."""
