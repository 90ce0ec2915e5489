"""CPython's `multiprocessing`, as far as kafka-python 1.3.5 needs it: the names that its package imports at its start.

Its MultiProcessConsumer, which no experiment uses, is the only one to call them; the JVM cannot fork.
"""


class Process(object):
    def __init__(self, *args, **kwargs):
        raise NotImplementedError("Jython cannot fork: MultiProcessConsumer does not run here")


class Manager(Process):
    pass
