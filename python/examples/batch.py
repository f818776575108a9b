"""Asks a model about each of some reviews, shows how far it is, and says what it cost.

Address and key come from AITBC_COORDINATOR and AITBC_API_KEY.
"""

import aitbc

REVIEWS = ["It broke on the first day.", "My daughter loves it!", "As expected."]

with aitbc.CoordinatorClient() as client:
    jobs = client.jobs.submit_batch(
        {"model": "llama3.2", "prompt": f"Is this review positive, negative or neutral? {review}"} for review in REVIEWS
    )
    price = 0.0
    for review, job in zip(REVIEWS, client.jobs.wait_all(jobs, timeout=3600, progress=True), strict=True):
        print(f"{review} {job.require_completed()}")
        price += client.jobs.receipt(job.job_id).price
    print(f"{len(jobs)} answers for {price:.6f} credits")
