"""Contract tests of Linear: the same cases on our own small server and on a stand-in, twice."""
