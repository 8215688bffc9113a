"""Results that are kept within a bound."""

import threading
import time

import pytest

from pages.jobs import Job, Queue, end_all
from pages.kept import Kept


def test_the_one_not_used_for_longest_goes() -> None:
    kept = Kept(10, len)
    kept.get("a", lambda: "xxxx")
    kept.get("b", lambda: "yyyy")
    kept.get("a", lambda: pytest.fail("it is there"))
    kept.get("c", lambda: "zzzz")
    assert [kept.has(key) for key in "abc"] == [True, False, True]
    assert kept.nbytes == 8


def test_a_result_beyond_the_limit_stays_alone() -> None:
    kept = Kept(3, len)
    kept.get("small", lambda: "x")
    assert kept.get("large", lambda: "xxxxxxx") == "xxxxxxx"
    assert kept.has("large")
    assert not kept.has("small")


def test_it_is_made_once_for_all_who_wait_and_others_do_not_wait() -> None:
    kept, made, begun = Kept(100, len), [], threading.Event()

    def slow() -> str:
        begun.set()
        time.sleep(0.2)
        made.append("slow")
        return "slow"

    threads = [threading.Thread(target=kept.get, args=("slow", slow)) for _ in range(3)]
    for thread in threads:
        thread.start()
    begun.wait()
    assert kept.get("quick", lambda: "quick") == "quick"
    assert made == []
    for thread in threads:
        thread.join()
    assert made == ["slow"]


def test_what_fails_is_tried_again() -> None:
    kept = Kept(100, len)
    with pytest.raises(ZeroDivisionError):
        kept.get("a", lambda: 1 / 0)
    assert kept.get("a", lambda: "x") == "x"


def test_a_server_that_stops_ends_what_works_in_the_background() -> None:
    queue, begun = Queue("of the test", at_once=1), threading.Event()

    def work(_tell, cancelled) -> str:
        begun.set()
        while not cancelled():
            time.sleep(0.005)
        return "ended"

    jobs = [Job(work) for _ in range(3)]
    assert all(map(queue.start, jobs))
    assert begun.wait(10)
    assert [queue.place(job) for job in jobs] == [0, 1, 2]
    end_all()
    for _ in range(1000):
        if all(job.done for job in jobs):
            break
        time.sleep(0.01)
    assert [job.result for job in jobs] == ["ended", None, None]
