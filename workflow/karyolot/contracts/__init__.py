"""What every file and every hand-over between two steps must look like. Imports nothing else of ours."""
