"""Infrastructure of Faunalens on AWS: CloudFormation templates, the package, and the commands `up` and `down`."""
