"""The course's data: real handwritten digits, and toy problems in the plane."""

from backprop_lessons.data.digits import Digits, load_digits
from backprop_lessons.data.toy import circles, moons, spirals, xor

__all__ = ["Digits", "circles", "load_digits", "moons", "spirals", "xor"]
