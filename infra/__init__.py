"""What Faunalens runs on in AWS: the stack, the package, and the commands around them."""
