"""The course's colours: the same thing has the same colour in every figure, widget and table.

Six of them are from the palette that M. Okabe and K. Ito chose so that colour-blind readers can tell its colours
apart ("Color Universal Design", 2008); dark grey is added. Colour is never the only carrier: a word, a direction,
a dash or a shape says the same. `course.css` and `course.mplstyle` hold the same values; a test compares the three.
"""

VALUES = "#0072B2"  # blue: what flows forward, left to right
GRADIENTS = "#D55E00"  # vermilion: what flows backward, right to left
PARAMETERS = "#009E73"  # green: weights and biases
LOSS = "#CC79A7"  # purple: the loss and the targets
TRAINING = "#4D4D4D"  # dark grey: measured on the data that the network learns from; solid lines
VALIDATION = "#56B4E9"  # sky: measured on data that it has not seen; dashed lines
ORANGE = "#E69F00"  # a second class of points beside VALUES

INK = "#1F1F1F"  # text on a figure
PAPER = "#FFFFFF"  # every figure stands on white, on dark pages too
FAINT = "#D9D9D9"  # grid lines and frames
