# SPDX-License-Identifier: Apache-2.0
import pytest

from world import new_world


@pytest.fixture
def world():
    with new_world() as made:
        yield made
