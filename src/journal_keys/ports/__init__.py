"""What the use cases need from outside, in the domain's words. One promise a file, its errors beside it."""
