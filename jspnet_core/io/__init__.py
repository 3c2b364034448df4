"""Reading and writing of clouds, RGB-D sequences and files."""
