"""One service or Kafka being down does not stop the others' own jobs."""

from bhtom_local.api_client import ApiClient
from bhtom_local.stack import Stack
from bhtom_local.waiting import until
from tests.field import Field


def test_uploads_go_on_while_core_is_down(
    stack: Stack, admin: ApiClient, field: Field
) -> None:
    # One upload first, so that token, target and camera are known to upload.
    first = field.upload(admin, field.frame(700))["data_product_id"]
    admin.wait_for([first])
    stack.stop_program("core")
    try:
        second = field.upload(admin, field.frame(701))["data_product_id"]
        assert admin.data_product(second)["state"] != "done"
    finally:
        stack.start_program("core")
    assert admin.wait_for([second])[second]["state"] == "done"


def test_a_stranger_waits_for_core_and_is_not_refused(
    stack: Stack, admin: ApiClient, field: Field
) -> None:
    frame = field.frame(702)
    parameters = {
        "target": field.target["name"],
        "camera": field.camera["oname"],
        "file_name": frame.name,
    }
    stack.stop_program("core")
    try:
        with ApiClient(stack.plan.public_url, "0" * 40) as stranger:
            answer = stranger.http.put(
                "/api/v1/frames", params=parameters, content=frame.fits_bytes
            )
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
    finally:
        stack.start_program("core")


def test_uploads_go_on_while_kafka_is_down(
    stack: Stack, admin: ApiClient, field: Field
) -> None:
    stack.stop_program("kafka")
    try:
        numbers = [
            field.upload(admin, field.frame(number))["data_product_id"]
            for number in range(710, 715)
        ]
        assert all(admin.data_product(number)["state"] != "done" for number in numbers)
    finally:
        stack.start_program("kafka")
    products = admin.wait_for(numbers)
    assert {product["state"] for product in products.values()} == {"done"}


def test_a_target_can_be_used_in_the_second_it_was_made(
    admin: ApiClient, field: Field
) -> None:
    ra, dec = field.sky.centre
    for number in range(5):
        name = f"Quick-{number}"
        offset = 0.003 * (number + 1)
        admin.post(
            "/api/v1/targets",
            json={
                "name": name,
                "ra": ra + offset,
                "dec": dec,
                "archives_allowed": False,
            },
        )
        frame = field.frame(720 + number)
        product = admin.upload(
            frame.fits_bytes,
            target=name,
            camera=field.camera["oname"],
            file_name=frame.name,
            filter="Simulated/any",
        )
        assert product["target_name"] == name


def test_a_database_that_is_away_is_said_to_be_away(
    stack: Stack, admin: ApiClient, field: Field
) -> None:
    path = f"/api/v1/targets/{field.target['target_id']}"
    stack.stop_program("postgres")
    try:
        answer = admin.http.get(path)
        assert answer.status_code == 503
        assert answer.json()["code"] == "unavailable"
        assert int(answer.headers["Retry-After"]) > 0
    finally:
        stack.start_program("postgres")

    def is_back() -> bool:
        return admin.http.get(path).status_code == 200

    until(is_back, 60, "Core did not find its database again.")
    after = field.upload(admin, field.frame(730))["data_product_id"]
    assert admin.wait_for([after])[after]["state"] == "done"
