"""Sub-commands of `jspnet`: one module each, with one function of the same name."""
