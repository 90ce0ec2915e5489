"""Equal string constants are one object in CPython, and are not in Jython.

kafka-python 1.3.5 marks a cancelled task with the constant "REMOVED" and later looks for it with `is`. Under Jython it
never finds it, so this gives its queue a `remove` that takes the entry out instead of marking it.
"""

import heapq

from kafka import errors
from kafka.client_async import DelayedTaskQueue


def remove(self, task):
    entry = self._task_map.pop(task)
    _, future = entry[-1]
    future.failure(errors.Cancelled)
    self._tasks.remove(entry)
    heapq.heapify(self._tasks)


DelayedTaskQueue.remove = remove
