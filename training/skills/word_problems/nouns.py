"""The names, things and places of word problems, by what stands for them in a wording. Pure.

`{Name}`, `{Other}` and `{Third}` are three persons, `{he}`, `{his}` and `{him}` the first of them; `{item}`,
`{items}` and `{item2}` are things, `{box}` and `{box2}` what holds them. A word that is held out stands in held-out
problems only, and these have no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

from .held_out import is_held_out

_WOMEN = """
Abigail Ada Adele Agnes Aisha Alice Alma Amara Amelia Amina Amy Ana Andrea Angela Anita Anna Anya Ava Beatrice
Bella Beth Bianca Bonnie Brenda Bridget Camila Carla Carmen Carol Cecilia Celia Chloe Claire Clara Cora Daisy
Dana Daphne Deborah Delia Diana Dora Edith Elena Eliza Ella Ellen Elsa Emily Emma Erin Esther Eva Eve Faith
Fatima Fiona Flora Freya Gemma Gina Grace Greta Hana Hannah Hazel Heidi Helen Hilda Holly Ida Ines Ingrid
Irene Iris Isabel Ivy Jane Janet Jasmine Jenny Jill Joan Josie Joy Judith Julia June Karen Kate Kim Laila Lara
Laura Leah Lena Lily Linda Lisa Lola Lorna Louise Lucia Lucy Luna Lydia Mabel Maggie Mara Margaret Maria Marta
Mary Maya Megan Mia Mila Mina Miriam Molly Monica Nadia Nancy Naomi Nell Nina Nora Olga Olive Olivia Paula
Penny Petra Phoebe Pia Priya Rachel Rita Rosa Rose Ruby Ruth Sadie Sally Sara Selma Sofia Sonia Stella Susan
Sylvia Tara Tess Thelma Tina Uma Ursula Vera Viola Wanda Willa Yara Yasmin Zara Zoe
"""
_MEN = """
Aaron Abel Adam Adrian Ahmed Alan Albert Alfred Ali Andrew Anton Arthur Axel Ben Bernard Bill Boris Brian
Bruno Caleb Carl Carlos Cedric Chad Charles Cole Colin Craig Cyrus Damon Daniel David Dean Dennis Derek Diego
Dominic Donald Dylan Edgar Edward Eli Elmer Emil Enzo Eric Ernest Ethan Evan Felix Finn Floyd Frank Fred
Gabriel Gary George Gerald Gilbert Glen Gordon Graham Greg Gus Harold Harry Hassan Hector Henry Herbert Howard
Hugo Ian Igor Isaac Ivan Jack Jacob Jake James Jamal Jason Javier Jeff Jerry Jim Joel John Jonas Jordan Jose
Joseph Juan Julian Karl Keith Ken Kevin Kurt Kyle Lars Leo Leon Lewis Liam Louis Lucas Luis Luke Marco Mario
Mark Martin Mateo Max Micah Michael Miguel Milo Mohamed Nathan Neil Nick Noah Norman Oliver Omar Oscar Otto
Owen Pablo Patrick Paul Pedro Peter Philip Quentin Rafael Ralph Raul Ravi Ray Richard Robert Roger Roman Ron
Roy Rufus Ryan Sam Samuel Scott Sean Simon Stan Stefan Steve Taylor Ted Theo Thomas Tim Toby Tom Tony Tyler
Victor Vincent Walter Warren Wayne Wesley Will Xavier Yusuf Zane
"""
_THINGS = """
acorn almond apple apricot badge bagel ball balloon banana bead bean bell biscuit blanket block book bookmark
bottle bowl bracelet brick brush bulb bun button cake candle candy cap car card carrot chair cherry chestnut
chess_piece chocolate coin comic cookie cracker crayon cucumber cup cupcake cushion daffodil date doll donut
drum egg envelope eraser fan feather fig figurine flag flower folder fork game glass glove gold_coin grape
guitar_pick hammer hat helmet ink_pen jam_jar jewel jigsaw key kite knife lamp lemon lime lollipop magnet
mango map marble marker mask mat medal melon mint mirror muffin mug mushroom nail napkin necklace needle
notebook nut olive onion orange pancake paper_clip peach peanut pear pearl pebble pen pencil pepper photo
picture pie pillow pin plant plate plum postcard poster potato pretzel pumpkin puzzle radish ribbon ring robot
rock rope rose rubber_duck ruler sandwich scarf screw seashell seed shell shirt shoelace sock spoon spring
stamp star sticker stone straw strawberry tape tart tea_bag ticket tile toffee tomato towel toy_car toy_truck
tulip turnip vase walnut watch whistle yogurt
"""
# Things that come from no workshop.
_NATURAL = """
acorn almond apple apricot banana bean carrot cherry chestnut coin cucumber daffodil date egg feather fig flower
gold_coin grape jewel lemon lime mango melon mint mushroom nut olive onion orange peach peanut pear pearl pebble pepper
plant plum potato pumpkin radish rock rose seashell seed shell stamp stone strawberry ticket tomato tulip turnip walnut
"""
_CONTAINERS = """
bag barrel basin basket bin bowl box bucket cabinet can carton case chest container crate cupboard drawer
hamper jar jug locker net package packet pail pot pouch rack sack satchel shelf suitcase tin trailer tray
trunk tub wagon
"""
_SHOPS = """
bakery bazaar bookshop cafe corner_shop fair flea_market garden_center gift_shop grocery kiosk mall market
museum_shop school_shop stall store supermarket toy_store village_shop
"""
_PLACES = """
attic barn basement cellar classroom garage hall kitchen library office shed storeroom studio warehouse workshop
"""
_WORKERS = """
baker builder carpenter cook craftsman decorator farmer florist gardener jeweler painter potter printer tailor weaver
"""
_VEHICLES = "bus car coach lorry minibus train truck van"
# With stops and tickets, and room for a hundred people.
_BUSES = "bus streetcar train tram trolleybus"
_TRUCKS = "flatbed lorry pickup truck"
_CARS = "bus car coach lorry minibus scooter taxi truck van"
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
_COLORS = "black blue brown gold gray green orange pink purple red silver white yellow"
_IRREGULAR = {
    "knife": "knives",
    "shelf": "shelves",
    "glass": "glasses",
    "box": "boxes",
    "loaf": "loaves",
}


def plural(word: str) -> str:
    """Of a noun.

    >>> [plural(word) for word in ("cherry", "box", "toy_car", "peach")]
    ['cherries', 'boxes', 'toy_cars', 'peaches']
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("y") and word[-2] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "ch", "sh", "ato", "ss")) else f"{word}s"


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.replace("_", " ") for word in text.split())


_THINGS_MADE = tuple(word for word in _words(_THINGS) if word not in _words(_NATURAL))
_POOLS: Mapping[str, Sequence[str]] = {
    "woman": _words(_WOMEN),
    "man": _words(_MEN),
    "item": _words(_THINGS),
    "product": _THINGS_MADE,
    "box": _words(_CONTAINERS),
    "shop": _words(_SHOPS),
    "place": _words(_PLACES),
    "worker": _words(_WORKERS),
    "vehicle": _words(_VEHICLES),
    "bus": _words(_BUSES),
    "truck": _words(_TRUCKS),
    "car": _words(_CARS),
    "day": _words(_DAYS),
    "color": _words(_COLORS),
}
# Too few for some of them to be kept back.
_SHARED = frozenset({"shop", "place", "worker", "vehicle", "bus", "truck", "car", "day", "color"})


def _pool(kind: str, held_out: bool) -> list[str]:
    words = _POOLS[kind]
    return [word for word in words if kind in _SHARED or is_held_out(word) == held_out]


_CHOICES = {held: {kind: _pool(kind, held) for kind in _POOLS} for held in (False, True)}


class Nouns:
    """The nouns of one problem, drawn when they are first asked for; no word stands for two things.

    Args:
        random: What they are drawn from.
        held_out: Whether of those that are held out, or of the others.
        pools: Which nouns stand for a kind, where not all of it do: `{"vehicle": "bus"}`.
    """

    def __init__(
        self, random: Random, *, held_out: bool, pools: Mapping[str, str] | None = None
    ) -> None:
        self._random = random
        self._choices = _CHOICES[held_out]
        self._pools = pools or {}
        self._apart = False
        self._words: dict[str, str] = {}

    def set_apart(self) -> None:
        """Gives `{Name}` another sex than `{Other}` and `{Third}`, so that a pronoun says who is meant."""
        self._apart = True

    def __getitem__(self, key: str) -> str:
        """What stands in the place of `{key}`."""
        if key in ("he", "his", "him"):
            return _PRONOUNS[self._person("Name") in _POOLS["woman"]][key]
        if key in _PERSONS:
            return self._person(key)
        return _noun(key, lambda kind, name: self._drawn(self._pools.get(kind, kind), name))

    def known(self, key: str) -> str:
        """What stands in the place of `{key}` so far; someone, or the kind's own name, where nothing was drawn."""
        if key in _PERSONS:
            return self._words.get(key, _PERSONS[key])
        return _noun(key, lambda kind, name: self._words.get(name, kind))

    def _person(self, key: str) -> str:
        return self._words.get(key) or self._drawn(self._sex(key), key)

    def _sex(self, key: str) -> str:
        drawn = self._random.choice(("woman", "man"))
        known = next((person for person in _PERSONS if person in self._words), None)
        if known is None or not self._apart:
            return drawn
        is_woman = self._words[known] in _POOLS["woman"]
        is_alike = (known == "Name") == (key == "Name")
        return "woman" if is_woman == is_alike else "man"

    def _drawn(self, kind: str, key: str) -> str:
        word = self._words.get(key)
        while word is None or (key not in self._words and word in self._words.values()):
            word = self._random.choice(self._choices[kind])
        self._words[key] = word
        return word


def _noun(key: str, word: Callable[[str, str], str]) -> str:
    """The word of a kind and of a name, such as `item` and `item2`; in the plural where the key, `items2`, is."""
    kind = key.rstrip("0123456789")
    singular = _SINGULAR.get(kind, kind)
    found = word(singular, singular + key[len(kind) :])
    return plural(found) if singular != kind else found


_PERSONS = {"Name": "someone", "Other": "someone else", "Third": "a third person"}
_PRONOUNS = {
    True: {"he": "she", "his": "her", "him": "her"},
    False: {"he": "he", "his": "his", "him": "him"},
}
_SINGULAR = {"items": "item", "boxes": "box", "vehicles": "vehicle", "workers": "worker"}
