"""What identifies a photo: our models, a server, MegaDetector, SpeciesNet; one protocol for all."""
