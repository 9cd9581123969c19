"""Averages. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

AVERAGES = (
    Situation(
        name="average",
        numbers={"v": (10, 90), "a": (5, 100), "b": (5, 100), "s": "v*3", "c": "s-a-b"},
        facts=(
            (
                "the numbers are {a}, {b} and {c}",
                "{Name} scores {a}, {b} and {c} points in three games",
                "on three days {a}, {b} and {c} people visit the {shop}",
                "{Name} reads {a}, {b} and {c} pages on three days",
                "three {boxes} hold {a}, {b} and {c} {items}",
                "the three tests of {Name} gave {a}, {b} and {c} points",
                "{Name} sells {a} {items} on {day}, {b} on {day2} and {c} on {day3}",
                "{a} {items} are packed on {day}, {b} on {day2} and {c} on {day3}",
                "there are {a} {items} in one {box}, {b} in another and {c} in a third",
                "{Name}, {Other} and {Third} have {a}, {b} and {c} {items}",
                "three classes have {a}, {b} and {c} pupils",
                "the {shop} had {a} visitors in May, {b} in June and {c} in July",
                "in three weeks {Name} solves first {a}, then {b} and then {c} puzzles",
                "{Name} counts the {items} in three {boxes} and gets {a}, {b} and {c}",
                "{a}, {b} and {c} letters come in three weeks",
            ),
        ),
        questions=(
            Question(
                formula="(a+b+c)/3",
                wordings=(
                    "what is the average?",
                    "what is the mean of these?",
                    "how many is that on average?",
                    "find the average.",
                    "what is the average of the three numbers?",
                    "calculate the mean of the three numbers.",
                    "work out the average of these numbers.",
                    "what does the average come to?",
                    "determine the mean.",
                    "how large is the average?",
                    "tell me how many that is on average.",
                    "on average how many is that?",
                ),
            ),
            Question(
                formula="a+b+c",
                wordings=(
                    "what is the sum?",
                    "how many is that in all?",
                    "how many are these altogether?",
                    "find the total.",
                    "what do the three numbers add up to?",
                    "work out the sum of the three numbers.",
                    "how many does that make in total?",
                    "tell me how many these are in all.",
                    "calculate the total of the three.",
                    "what is the total number?",
                    "what number do all three make together?",
                    "determine how many that is altogether.",
                ),
            ),
        ),
    ),
    Situation(
        name="one of an average",
        # The third number, v + i - j, is above 0 too.
        numbers={"v": (22, 90), "i": (1, 19), "j": (1, 19), "a": "v-i", "b": "v+j"},
        facts=(
            (
                "in three games {Name} scored {v} points on average",
                "{Name} averaged {v} points a game over three games",
                "the average of {Name}'s points in three games is {v}",
                "{v} points is {Name}'s average over three games",
                "after three games {Name} has an average of {v} points",
                "on average {Name} got {v} points in each of three games",
                "the mean score of {Name} in three games is {v} points",
                "over three games {Name}'s mean score comes to {v} points",
                "{Name} played three games with {v} points a game on average",
                "a mean of {v} points is what {Name} has reached in three games",
            ),
            (
                "{he} got {a} points in the first game and {b} in the second",
                "the first two games brought {him} {a} and {b} points",
                "{a} points came from the first game and {b} from the second",
                "in the first game it was {a} points and in the second {b}",
                "{his} first game gave {a} points, the second {b}",
                "{he} scored {a} points at first and {b} the second time",
                "with the first two games {he} made {a} and {b} points",
                "{his} points were {a} in the first game and {b} in the next",
                "in the second game {he} got {b} points, in the first {a}",
                "the first game ended with {a} points for {him} and the second with {b}",
            ),
        ),
        questions=(
            Question(
                formula="v*3-a-b",
                wordings=(
                    "how many points did {Name} score in the third game?",
                    "how many points did {he} get in the last game?",
                    "what was the score of {Name} in the third game?",
                    "find {his} points in the third game.",
                    "work out how many points the third game brought {him}.",
                    "tell me the number of points in game number three.",
                    "how many points came from the last of the three games?",
                    "calculate {Name}'s score in the last game.",
                    "determine how many points {he} made in the third game.",
                    "what number of points did the third game give?",
                ),
            ),
            Question(
                formula="v*3",
                wordings=(
                    "how many points did {Name} score in all three games together?",
                    "how many points did {he} get in total?",
                    "what was {Name}'s total score?",
                    "find the sum of {his} points in the three games.",
                    "work out how many points all three games brought {him}.",
                    "tell me the total number of points.",
                    "how many points do the three games make altogether?",
                    "calculate {Name}'s points in all three games.",
                    "determine how many points {he} made in all.",
                ),
            ),
        ),
    ),
)
