"""S11: do they make sense to people?"""

from ..results import Results
from ..section import Section


def ask(found: Results) -> Section:
    return Section(
        "S11",
        "Do they make sense to people?",
        "Nobody was asked. Neither the pictures nor the maps were shown to a sample of people.",
        answer="No computation answers this; people do. A study shows these very pictures to participants, "
        "beside controls that they cannot tell by style.",
        how="Make one with “manage.py add_study --protocol sense_of_class_models --network "
        f"{found.plan.network.name}”, and read its report.",
    )
