"""What writes the generated pages of the site, from the registry, the records of weights and real runs."""
