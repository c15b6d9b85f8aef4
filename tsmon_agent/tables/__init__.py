"""Tables and other text as people have them: compressed, in any encoding, with signs of their own."""
