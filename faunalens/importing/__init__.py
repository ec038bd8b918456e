"""Read people's labels and other programs' predictions into a study, as reviews and answers."""
