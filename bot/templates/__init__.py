"""Words by language, and layouts of replies."""
