"""What the page costs: a run that goes on, a server, and a browser that looks at them."""
