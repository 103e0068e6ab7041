"""How passages are read: what may be quoted of them, what they answer, and whether they bear out what is said."""
