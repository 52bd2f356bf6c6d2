"""What the rules ask for: samples, file names, command lines, resources, params. No file is read here."""
