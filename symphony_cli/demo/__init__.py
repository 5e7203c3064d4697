"""The material of `symphony demo`: a small real project, three issues, and agents that do them."""
