"""The exercises of lesson 04, Backpropagation.

For each: fresh inputs with the awkward ones among them, the reference, the wrong answers
that learners write, and three hints from a nudge to nearly the answer.
"""

import numpy as np

from ..gradient_check import gradient_error
from ..layers import dense_backward, dense_forward, relu, relu_backward, sigmoid, sigmoid_backward
from ..losses import cross_entropy_backward, softmax
from .exercise import Case, Exercise, Mistake


def one_hot(labels, classes):
    """A row of zeros with a one at the label.   [n] -> [n, classes]"""
    return np.eye(classes)[labels]


def cautious(name, draw, pays=True):
    """A case that lets an epsilon of 1e-8 inside the softmax pass: it is a matter of taste, not a mistake."""
    return Case(name, draw, pays, floor=1e-7)


def naive_softmax(logits):
    """Softmax that overflows: exp of the raw logits.   [n, k] -> [n, k]"""
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)


RESULTS = {"dense_backward": ("dX", "dW", "db"), "network_backward": ("dW1", "db1", "dW2", "db2")}


# --- 4.1 relu_backward ---------------------------------------------------------------------

def signed_entries(n, d, scale=1.0):
    """Draws dA [n, d] and Z [n, d] in which each sign of dA meets each sign of Z, zero included.

    Positive entries of Z lie on both sides of 1, and the first entry is not positive (an answer whose
    type is set by its first entry is found out).
    """
    def draw(rng):
        signs = np.resize([(1, 1), (-1, 1), (1, -1), (-1, -1), (1, 0), (-1, 0)], (n * d, 2))
        sizes = np.where(np.arange(n * d) // 6 % 2, 1.0, 0.2) * rng.uniform(1.1, 1.9, (2, n * d))
        order = rng.permutation(n * d)
        first = np.flatnonzero(signs[order, 1] <= 0)[0]
        order[[0, first]] = order[[first, 0]]
        dA, Z = (sizes.T * signs)[order].T.reshape(2, n, d)
        return dA, Z * scale
    return draw


RELU_BACKWARD = Exercise(
    number="4.1", points=1, minutes=5, difficulty=1,
    summary="Carry a gradient back through ReLU: from dA [n, d] to dZ [n, d].",
    reference=relu_backward, results=("dZ",),
    cases=(
        Case("4 examples, 5 units", signed_entries(4, 5)),
        Case("13 examples, 7 units", signed_entries(13, 7)),
        Case("a batch of one", signed_entries(1, 6), pays=False),
        Case("large values", signed_entries(3, 4, scale=1e6), pays=False),
        Case("a dead layer: every Z is negative", lambda rng: (
            rng.normal(size=(3, 4)), -rng.uniform(0.5, 2.0, (3, 4))), pays=False),
    ),
    mistakes=(
        Mistake("upstream-ignored", lambda dA, Z: (Z > 0).astype(float),
                "This is the local derivative alone; multiply it by the gradient that comes in, dA."),
        Mistake("derivative-at-input", lambda dA, Z: dA * (dA > 0),
                "The gate is set by the sign of Z, the input of the forward pass, not by the sign of dA."),
        Mistake("derivative-at-input", lambda dA, Z: dA * (dA > 0) * (Z > 0),
                "There is one gate too many: only the sign of Z counts, a negative gradient passes, too."),
        Mistake("wrong-order", lambda dA, Z: Z * (dA > 0),
                "dA and Z have changed places: the gradient dA passes where Z is positive."),
        Mistake("forward-again", lambda dA, Z: np.maximum(Z, 0),
                "This is the forward pass, relu(Z); the backward pass carries dA."),
        Mistake("other-convention", lambda dA, Z: dA * (Z >= 0),
                "At Z = 0 exactly this course lets nothing through: use Z > 0, not Z >= 0."),
        Mistake("other-convention", lambda dA, Z: dA * np.heaviside(Z, 0.5),
                "At Z = 0 exactly this course lets nothing through; here half passes."),
        Mistake("nonlinearity-forgotten", lambda dA, Z: dA.copy(),
                "The gradient passes through unchanged; it must be zero wherever Z was not positive."),
        Mistake("value-for-derivative", lambda dA, Z: dA * np.maximum(Z, 0),
                "This multiplies by relu(Z), the value; multiply by its derivative, which is 1 or 0."),
        Mistake("sign-flipped", lambda dA, Z: dA * (Z < 0),
                "The gate is the wrong way round: the gradient passes where Z is positive."),
        Mistake("sign-flipped", lambda dA, Z: dA * (Z <= 0),
                "The gate is the wrong way round: the gradient passes where Z is positive."),
        Mistake("sign-flipped", lambda dA, Z: -dA * (Z > 0),
                "The gate is right, but the sign of what passes is flipped: dA itself passes, not −dA."),
        Mistake("wrong-derivative", lambda dA, Z: dA * np.sign(Z),
                "Where Z is negative the output does not move at all: the derivative there is 0, not −1."),
        Mistake("wrong-derivative", lambda dA, Z: np.where(Z > 0, dA, 0.01 * dA),
                "This is the derivative of leaky ReLU; plain ReLU lets nothing through where Z is not positive."),
    ),
    hints=(
        "Nudge one entry of Z that is negative. How much does relu(Z) change? And if the entry is positive?",
        "The local derivative is 1 where Z > 0 and 0 elsewhere. The chain rule multiplies it by dA, entry by entry.",
        "`Z > 0` is an array of True and False that counts as 1 and 0: return `dA * (…)` with it.",
    ),
)

# --- 4.2 sigmoid_backward ------------------------------------------------------------------

def activated_entries(n, d):
    """Draws dA [n, d] and sigmoid outputs A [n, d] well away from the special value 0.5."""
    def draw(rng):
        Z = rng.uniform(0.5, 3.0, (n, d)) * rng.choice([-1.0, 1.0], (n, d))
        return rng.normal(size=(n, d)), sigmoid(Z)
    return draw


SIGMOID_BACKWARD = Exercise(
    number="4.2", points=1, minutes=5, difficulty=1,
    summary="Carry a gradient back through the sigmoid, from its output: from dA [n, d] and A [n, d] to dZ [n, d].",
    reference=sigmoid_backward, results=("dZ",),
    cases=(
        Case("3 examples, 4 units", activated_entries(3, 4)),
        Case("11 examples, 6 units", activated_entries(11, 6)),
        Case("a batch of one", activated_entries(1, 5), pays=False),
        Case("saturated units: A is exactly 0 or 1", lambda rng: (
            rng.normal(size=(2, 4)), rng.permuted(np.tile([0.0, 1.0], (2, 2)), axis=1)), pays=False, floor=1e-6),
    ),
    mistakes=(
        Mistake("upstream-ignored", lambda dA, A: A * (1 - A),
                "This is the local derivative alone; multiply it by the gradient that comes in, dA."),
        Mistake("derivative-at-input", lambda dA, A: dA * sigmoid(A) * (1 - sigmoid(A)),
                "A is already the output of the sigmoid; do not apply the sigmoid to it again."),
        Mistake("missing-factor", lambda dA, A: dA * A,
                "The local derivative is A·(1 − A); the factor (1 − A) is missing."),
        Mistake("missing-factor", lambda dA, A: dA * (1 - A),
                "The local derivative is A·(1 − A); the factor A is missing."),
        Mistake("brackets-missing", lambda dA, A: dA * A * 1 - A,
                "Without brackets only A is taken off at the end: write A * (1 - A)."),
        Mistake("brackets-missing", lambda dA, A: dA * A - A**2,
                "dA must multiply both parts: dA * (A - A**2)."),
        Mistake("added", lambda dA, A: dA + A * (1 - A),
                "The chain rule multiplies the gradient by the local derivative; here they are added."),
        Mistake("other-activation", lambda dA, A: dA * (1 - A**2),
                "1 − A² is the derivative of tanh; the sigmoid's is A·(1 − A)."),
        Mistake("other-activation", lambda dA, A: dA * (1 - np.tanh(A)**2),
                "This is tanh's derivative; the sigmoid's is A·(1 − A), with the output A itself."),
        Mistake("forward-again", lambda dA, A: dA * sigmoid(A),
                "A is already the output of the sigmoid; the local derivative is A·(1 − A)."),
        Mistake("sign-flipped", lambda dA, A: dA * A * (A - 1),
                "The sign is flipped: the sigmoid always rises, so its derivative A·(1 − A) is positive."),
        Mistake("nonlinearity-forgotten", lambda dA, A: dA.copy(),
                "The gradient passes through unchanged; multiply it by the sigmoid's slope A·(1 − A)."),
    ),
    hints=(
        "How steep is the sigmoid where its output is near 0 or near 1? And where is it steepest?",
        "Write σ(z) = 1 / (1 + e⁻ᶻ) and differentiate. Can you write the slope with the output σ alone?",
        "The output is A, so the local derivative is `A * (1 - A)`; the chain rule multiplies it by dA.",
    ),
)

# --- 4.3 dense_backward --------------------------------------------------------------------

def dense_arguments(n, d_in, d_out, scale=1.0):
    """Draws dZ [n, d_out], X [n, d_in], W [d_in, d_out]."""
    def draw(rng):
        return (rng.normal(size=(n, d_out)), scale * rng.normal(size=(n, d_in)), rng.normal(size=(d_in, d_out)))
    return draw


def changed(reference, **replacements):
    """A wrong implementation: the reference with one or more results made wrong.

    Each replacement gets the arguments and the right result of its name.
    """
    names = RESULTS[reference.__name__]

    def wrong(*arguments):
        right = reference(*arguments)
        return tuple(replacements[n](arguments, r) if n in replacements else r for n, r in zip(names, right))
    return wrong


DENSE_BACKWARD = Exercise(
    number="4.3", points=3, minutes=15, difficulty=2,
    summary="Carry a gradient back through a dense layer: from dZ [n, d_out] to dX [n, d_in], "
            "dW [d_in, d_out] and db [d_out].",
    reference=dense_backward, results=RESULTS["dense_backward"],
    cases=(
        Case("2 examples, 3 inputs, 4 outputs", dense_arguments(2, 3, 4)),
        Case("5 examples, 4 inputs, 2 outputs", dense_arguments(5, 4, 2)),
        Case("16 examples, 9 inputs, 7 outputs", dense_arguments(16, 9, 7)),
        Case("a batch of one", dense_arguments(1, 3, 2), pays=False),
        Case("one output", dense_arguments(4, 3, 1), pays=False),
        Case("large inputs", dense_arguments(3, 5, 2, scale=1e4), pays=False),
    ),
    mistakes=(
        Mistake("transposed", changed(dense_backward, dW=lambda a, r: a[0].T @ a[1]),
                "dW comes out as [d_out, d_in]; swap the factors so that it has W's shape: X.T @ dZ."),
        Mistake("transposed", changed(dense_backward, dX=lambda a, r: a[2] @ a[0].T),
                "dX comes out as [d_in, n]; rows are examples, so it is dZ @ W.T."),
        Mistake("transposed", changed(dense_backward, dX=lambda a, r: r.T, dW=lambda a, r: r.T),
                "dX and dW are both transposed: dX = dZ @ W.T has X's shape, dW = X.T @ dZ has W's."),
        Mistake("reshaped", changed(dense_backward, dW=lambda a, r: a[1].reshape(a[1].shape[::-1]) @ a[0]),
                "In dW, reshape keeps the numbers in reading order; to swap rows and columns write X.T."),
        Mistake("reshaped", changed(dense_backward, dX=lambda a, r: a[0] @ a[2].reshape(a[2].shape[::-1])),
                "In dX, reshape keeps the numbers in reading order; to swap rows and columns write W.T."),
        Mistake("not-summed-over-batch", changed(dense_backward, db=lambda a, r: a[0].copy()),
                "db holds one row per example; every example used the same b, so sum over the batch."),
        Mistake("keepdims", changed(dense_backward, db=lambda a, r: r[None, :]),
                "db should be [d_out], the shape of b; leave out keepdims=True."),
        Mistake("wrong-axis", changed(dense_backward, db=lambda a, r: a[0].sum(axis=1)),
                "db is summed over the outputs; sum over the examples, which are the rows: axis=0."),
        Mistake("wrong-axis", changed(dense_backward, db=lambda a, r: a[0].sum()),
                "db is summed over everything; sum over the examples only: axis=0."),
        Mistake("keepdims", changed(dense_backward, db=lambda a, r: r[:, None]),
                "db is a column; it should be [d_out], the shape of b, with one axis."),
        Mistake("extra-mean", changed(dense_backward, db=lambda a, r: r[None, :] / len(a[1])),
                "db is a mean with an axis too many; it is the sum over the examples, of shape [d_out]."),
        Mistake("wrong-axis", changed(dense_backward, db=lambda a, r: a[0].sum(axis=1, keepdims=True)),
                "db is summed over the outputs; sum over the examples, which are the rows: axis=0."),
        Mistake("extra-mean", lambda dZ, X, W: tuple(g / len(X) for g in dense_backward(dZ, X, W)),
                "All three are divided by n here, but the loss has done so already."),
        Mistake("extra-mean", changed(dense_backward, dX=lambda a, r: r / len(a[1])),
                "dX is divided by n here, but the loss has done so already."),
        Mistake("extra-mean", changed(dense_backward, dW=lambda a, r: r / len(a[1]), db=lambda a, r: r / len(a[1])),
                "dW and db are divided by n here, but the loss has done so already; only sum."),
        Mistake("extra-mean", changed(dense_backward, db=lambda a, r: r / len(a[1])),
                "db is a mean over the batch; the loss has divided by n already, so it is a sum."),
        Mistake("extra-mean", changed(dense_backward, dW=lambda a, r: r / len(a[1])),
                "dW is divided by n here, but the loss has done so already; only sum."),
        Mistake("upstream-ignored", lambda dZ, X, W: dense_backward(np.ones_like(dZ), X, W),
                "The gradient that comes in, dZ, is not used; each result is a product or a sum of it."),
        Mistake("upstream-ignored", changed(dense_backward, dX=lambda a, r: np.ones_like(a[0]) @ a[2].T),
                "dX does not use the gradient that comes in; multiply dZ by W.T."),
        Mistake("bias-forgotten", changed(dense_backward, db=lambda a, r: np.zeros_like(r)),
                "db is zero, but b moves every output: each example adds its row of dZ to db."),
        Mistake("bias-forgotten", changed(dense_backward, db=lambda a, r: np.ones_like(r)),
                "The derivative of Z by b is 1, but db is that times dZ, summed over the examples."),
        Mistake("overwritten", lambda dZ, X, W: (dZ @ W.T, np.outer(X[-1], dZ[-1]), dZ[-1].copy()),
                "Only the last example is left in dW and db: add the examples' parts (+=), do not replace them (=)."),
        Mistake("overwritten", changed(dense_backward, dW=lambda a, r: np.outer(a[1][-1], a[0][-1])),
                "Only the last example is left in dW: add the examples' parts (+=), do not replace them (=)."),
        Mistake("overwritten", changed(dense_backward, db=lambda a, r: a[0][-1].copy()),
                "Only the last example is left in db: add the examples' parts (+=), do not replace them (=)."),
        Mistake("sums-multiplied", changed(dense_backward, dW=lambda a, r: np.outer(a[1].sum(0), a[0].sum(0))),
                "dW multiplies two sums; it is the sum of the products, example by example: X.T @ dZ."),
        *(Mistake("wrong-order", lambda *a, order=order: tuple(dense_backward(*a)[i] for i in order),
                  "The results are right but in another order; return dX, dW, db.")
          for order in ((1, 0, 2), (1, 2, 0), (2, 1, 0), (0, 2, 1), (2, 0, 1))),
        Mistake("sign-flipped", lambda dZ, X, W: tuple(-g for g in dense_backward(dZ, X, W)),
                "All signs are flipped: a gradient points uphill; the minus comes in the update."),
        Mistake("nonlinearity-forgotten", changed(dense_backward, dX=lambda a, r: (a[0] @ a[2].T) * (a[1] > 0)),
                "dX is cut off where X is not positive; that is the ReLU's backward, and a dense layer has none."),
    ),
    hints=(
        "Start from the shapes. dX must be [n, d_in]; you have dZ [n, d_out] and W [d_in, d_out]. "
        "Only one product of the two fits, once one of them is transposed.",
        "Entry W[i, j] multiplies X[e, i] in every example e and feeds Z[e, j]: its blame is the sum over e of "
        "X[e, i] · dZ[e, j]. Which matrix product is that sum?",
        "`dX = dZ @ W.T`; dW is `X` transposed times `dZ`; b is added to every row, so db is dZ summed over axis 0.",
    ),
)

# --- 4.4 cross_entropy_backward ------------------------------------------------------------

def classified(n, k, scale=1.5, absent="last"):
    """Draws logits [n, k] and labels [n] in which one class comes twice (n > 1) and another not at all.

    absent: "last" or "first", the class that no example has; None: any may come.
    """
    def draw(rng):
        labels = rng.integers(absent == "first", k - (absent == "last"), size=n)
        labels[-1] = labels[0]
        return scale * rng.normal(size=(n, k)), labels
    return draw


def huge_logits(rng):
    """Rows at about +10,000 and -10,000, exact in float32: exp of either is out of range."""
    logits = np.round(rng.normal(size=(4, 3)) * 256) / 256 + np.array([[1e4], [-1e4], [0.0], [1e4]])
    logits[3, 1] = -1e4
    return logits, rng.integers(3, size=4)


def indexed_by_column(logits, labels):
    """(softmax - 1 at the columns of *all* labels, in every row) / n."""
    dlogits = softmax(logits)
    dlogits[:, labels] -= 1
    return dlogits / len(logits)


def global_maximum(logits, labels):
    """Subtracts one maximum for the whole batch: rows far below it vanish."""
    powers = np.exp(logits - logits.max())
    return (powers / powers.sum(axis=1, keepdims=True) - one_hot(labels, logits.shape[1])) / len(logits)


def labels_by_number(logits, labels):
    """The class numbers themselves taken for targets."""
    return (softmax(logits) - labels[:, None]) / len(logits)


def narrow_one_hot(logits, labels):
    """One-hot rows as wide as the largest label in the batch."""
    return (softmax(logits) - np.eye(labels.max() + 1)[labels]) / len(logits)


def squared_error_gradient(logits, labels):
    """The gradient of the mean squared error, with softmax left out of the chain."""
    return 2 * (softmax(logits) - one_hot(labels, logits.shape[1])) / logits.size


def through_probabilities(logits, labels):
    """−y/p, the gradient with respect to the probabilities."""
    return -one_hot(labels, logits.shape[1]) / naive_softmax(logits) / len(logits)


def from_probabilities(probabilities):
    """A wrong implementation: (p - y) / n with these wrong probabilities."""
    def wrong(logits, labels):
        return (probabilities(logits) - one_hot(labels, logits.shape[1])) / len(logits)
    return wrong


CROSS_ENTROPY_BACKWARD = Exercise(
    number="4.4", points=3, minutes=15, difficulty=2,
    summary="The gradient of the mean cross-entropy with respect to the logits: dlogits [n, k].",
    reference=cross_entropy_backward, results=("dlogits",),
    cases=(
        cautious("3 examples, 4 classes", classified(3, 4)),
        cautious("5 examples, 3 classes", classified(5, 3)),
        cautious("12 examples, 7 classes", classified(12, 7)),
        cautious("a batch of one", classified(1, 3, absent=None), pays=False),
        cautious("2 classes", classified(5, 2, absent=None), pays=False),
        cautious("no example of the first class", classified(6, 5, absent="first"), pays=False),
        cautious("every label the same", lambda rng: (rng.normal(size=(4, 3)), np.full(4, rng.integers(2))), pays=False),
        cautious("logits at ±10,000", huge_logits, pays=False),
        cautious("every logit zero", lambda rng: (np.zeros((3, 5)), rng.integers(5, size=3)), pays=False),
    ),
    mistakes=(
        Mistake("missing-mean", lambda logits, labels: len(logits) * cross_entropy_backward(logits, labels),
                "The loss is the mean over the batch, so the gradient is divided by n, too."),
        Mistake("extra-mean", lambda logits, labels: cross_entropy_backward(logits, labels) / logits.shape[1],
                "This divides by n·k; the loss is a mean over the n examples, not over the classes."),
        Mistake("extra-mean", lambda logits, labels: cross_entropy_backward(logits, labels) / len(logits),
                "This divides by n twice; once is enough."),
        Mistake("sign-flipped", lambda logits, labels: -cross_entropy_backward(logits, labels),
                "The sign is flipped: it is probability minus target, so the true class gets a negative gradient."),
        Mistake("unstable", from_probabilities(naive_softmax),
                "exp overflows for large logits; subtract each row's maximum before exp."),
        Mistake("unstable", global_maximum,
                "One maximum is subtracted from all rows, and rows far below it become 0/0; "
                "subtract each row's own maximum (axis=1, keepdims=True)."),
        Mistake("wrong-axis", from_probabilities(lambda logits: softmax(logits.T).T),
                "Softmax runs over the examples here; each row is one example, so it runs along axis=1."),
        Mistake("wrong-axis", from_probabilities(lambda logits: softmax(logits.reshape(1, -1)).reshape(logits.shape)),
                "Softmax runs over the whole batch here; each row must sum to 1 by itself (axis=1)."),
        Mistake("double-softmax", from_probabilities(lambda logits: softmax(softmax(logits))),
                "Softmax is applied twice; once turns logits into probabilities."),
        Mistake("nonlinearity-forgotten", from_probabilities(lambda logits: logits),
                "The target is subtracted from the logits; subtract it from the probabilities, softmax(logits)."),
        Mistake("targets-forgotten", lambda logits, labels: softmax(logits) / len(logits),
                "The labels are not used: subtract 1 from the probability of each example's true class."),
        Mistake("local-only", lambda logits, labels: cross_entropy_backward(logits, labels)
                * one_hot(labels, logits.shape[1]),
                "Only the true class gets a gradient; the other logits enter the loss, too, through softmax's sum."),
        Mistake("stopped-early", through_probabilities,
                "This is the gradient with respect to the probabilities; go one step further back, to the logits."),
        Mistake("extra-factor", lambda logits, labels: cross_entropy_backward(logits, labels)
                * softmax(logits) * (1 - softmax(logits)),
                "There is one p·(1 − p) too many: in (p − y)/n the derivative of softmax is already inside."),
        Mistake("wrong-index", indexed_by_column,
                "`[:, labels]` picks these columns in every row; pick one entry a row with [np.arange(n), labels]."),
        Mistake("missing-mean", lambda logits, labels: softmax(logits) / len(logits) - one_hot(labels, logits.shape[1]),
                "Only the probabilities are divided by n; the 1 that is taken off must be, too: (p − y)/n."),
        Mistake("sign-flipped", lambda logits, labels: (softmax(logits) + one_hot(labels, logits.shape[1])) / len(logits),
                "The target is added; it is subtracted: (p − y)/n."),
        Mistake("labels-as-numbers", labels_by_number,
                "The label is the number of a class, not a target value: subtract 1 at its column, nothing elsewhere."),
        Mistake("labels-as-numbers", narrow_one_hot,
                "The one-hot rows are only as wide as the largest label in this batch; they need k columns."),
        Mistake("other-activation", from_probabilities(sigmoid),
                "The probabilities come from the sigmoid, entry by entry; with several classes it is softmax, by rows."),
        Mistake("other-loss", squared_error_gradient,
                "This belongs to a mean over all entries, with the 2 of a square; for cross-entropy it is (p − y)/n."),
        Mistake("unstable", from_probabilities(lambda logits: softmax(np.clip(logits, -500, 500))),
                "Clipping the logits changes the answer where they are large; subtract each row's maximum instead."),
        Mistake("unstable", from_probabilities(lambda logits: np.nan_to_num(naive_softmax(logits))),
                "NaN is replaced instead of avoided; subtract each row's maximum before exp."),
    ),
    hints=(
        "What happens to the loss if the logit of the true class rises a little? And if a wrong class's does? "
        "That gives the signs.",
        "For one example the gradient is p − y: the probabilities minus a 1 at the true class. "
        "Then remember that the loss is a mean.",
        "Compute softmax with each row's maximum subtracted; take 1 off at `[np.arange(n), labels]`; divide by n.",
    ),
)

# --- 4.5 network_backward ------------------------------------------------------------------

def network_backward(X, labels, W1, b1, W2, b2):
    """All four gradients of the mean cross-entropy of a network with one ReLU hidden layer."""
    Z1 = dense_forward(X, W1, b1)                        # [n, h]
    A1 = relu(Z1)                                        # [n, h]
    logits = dense_forward(A1, W2, b2)                   # [n, k]
    dlogits = cross_entropy_backward(logits, labels)     # [n, k]
    dA1, dW2, db2 = dense_backward(dlogits, A1, W2)      # [n, h], [h, k], [k]
    dZ1 = relu_backward(dA1, Z1)                         # [n, h]
    _, dW1, db1 = dense_backward(dZ1, X, W1)             # [d, h], [h]
    return dW1, db1, dW2, db2


def network_with(output_gradient=cross_entropy_backward, activation=relu, activation_backward=relu_backward,
                 first=dense_forward, second=dense_forward, hidden_gradient=lambda dlogits, W2: dlogits @ W2.T):
    """A wrong implementation: the network with one of its steps replaced."""
    def wrong(X, labels, W1, b1, W2, b2):
        Z1 = first(X, W1, b1)
        A1 = activation(Z1)
        dlogits = output_gradient(second(A1, W2, b2), labels)
        dZ1 = activation_backward(hidden_gradient(dlogits, W2), Z1)
        return X.T @ dZ1, dZ1.sum(axis=0), A1.T @ dlogits, dlogits.sum(axis=0)
    return wrong


def without_bias(X, W, b):
    """A dense layer that leaves its bias out."""
    return X @ W


def mistaken_output(slug, advice_word=""):
    """The wrong cross_entropy_backward of this slug: the same slip, one exercise later."""
    return next(network_with(output_gradient=m.function) for m in CROSS_ENTROPY_BACKWARD.mistakes
                if m.slug == slug and advice_word in m.advice)


def gate_without_bias(X, labels, W1, b1, W2, b2):
    """The ReLU's gate set by X @ W1, without b1."""
    Z1 = X @ W1 + b1
    A1 = relu(Z1)
    dlogits = cross_entropy_backward(A1 @ W2 + b2, labels)
    dZ1 = (dlogits @ W2.T) * (X @ W1 > 0)
    return X.T @ dZ1, dZ1.sum(axis=0), A1.T @ dlogits, dlogits.sum(axis=0)


def relu_on_logits(X, labels, W1, b1, W2, b2):
    """A ReLU after the last layer, too, there and back."""
    Z1 = X @ W1 + b1
    A1 = relu(Z1)
    Z2 = A1 @ W2 + b2
    dZ2 = relu_backward(cross_entropy_backward(relu(Z2), labels), Z2)
    dZ1 = relu_backward(dZ2 @ W2.T, Z1)
    return X.T @ dZ1, dZ1.sum(axis=0), A1.T @ dZ2, dZ2.sum(axis=0)


def hidden_of(arguments):
    """Z1 [n, h] and dlogits [n, k] of the right network, for mistakes in one result."""
    X, labels, W1, b1, W2, b2 = arguments
    Z1 = X @ W1 + b1
    return Z1, cross_entropy_backward(relu(Z1) @ W2 + b2, labels)


def hidden_gradient_of(arguments):
    """dZ1 [n, h] of the right network."""
    Z1, dlogits = hidden_of(arguments)
    return relu_backward(dlogits @ arguments[4].T, Z1)


def network_arguments(n, d, h, k, scale=1.0, absent="last", same_label=False):
    """Draws X [n, d], labels [n], W1 [d, h], b1 [h], W2 [h, k], b2 [k]; no parameter is zero.

    They are drawn again until no step of the backward pass can be left out unseen: hidden units are on
    and off, b1 decides some gate, some logit is negative, and no gradient vanishes.
    """
    def draw(rng):
        while True:
            labels = classified(n, k, absent=absent)(rng)[1]
            if same_label:
                labels[:] = 0
            X, W1, W2 = rng.normal(size=(n, d)), rng.normal(size=(d, h)) / d**0.5, rng.normal(size=(h, k)) / h**0.5
            b1, b2 = (rng.uniform(0.3, 0.9, size) * rng.choice([-1, 1], size) for size in (h, k))
            arguments = scale * X, labels, W1, b1, W2, b2
            Z1, dlogits = hidden_of(arguments)
            on_and_off = (Z1 > 0).any() and (Z1 < 0).any()
            bias_decides = scale > 1 or (Z1 - b1 > 0)[Z1 < 0].any()  # beside large inputs it hardly can
            logits = relu(Z1) @ W2 + b2
            sizes = [np.abs(g).max() for g in network_backward(*arguments)]
            if on_and_off and bias_decides and (logits < 0).any() and min(sizes) > 1e-3:
                return arguments
    return draw


NETWORK_BACKWARD = Exercise(
    number="4.5", points=4, minutes=25, difficulty=3,
    summary="All gradients of the mean cross-entropy of a network with one ReLU hidden layer: "
            "dW1 [d, h], db1 [h], dW2 [h, k], db2 [k].",
    reference=network_backward, results=RESULTS["network_backward"],
    cases=(
        cautious("3 examples, 2 inputs, 5 hidden units, 4 classes", network_arguments(3, 2, 5, 4)),
        cautious("6 examples, 4 inputs, 8 hidden units, 3 classes", network_arguments(6, 4, 8, 3)),
        cautious("7 examples, 6 inputs, 5 hidden units, 4 classes", network_arguments(7, 6, 5, 4)),
        cautious("20 examples, 9 inputs, 12 hidden units, 5 classes", network_arguments(20, 9, 12, 5)),
        cautious("a batch of one", network_arguments(1, 4, 6, 3, absent=None), pays=False),
        cautious("2 classes", network_arguments(5, 3, 4, 2, absent=None), pays=False),
        cautious("no example of the first class", network_arguments(6, 3, 4, 5, absent="first"), pays=False),
        cautious("every label the same", network_arguments(4, 3, 5, 3, same_label=True), pays=False),
        cautious("inputs at about 10,000", network_arguments(4, 3, 6, 5, scale=1e4), pays=False),
    ),
    mistakes=(
        Mistake("nonlinearity-forgotten", network_with(activation_backward=lambda dA, Z: dA),
                "The gradient skips the ReLU on its way back: set dA1 to zero where Z1 was not positive."),
        Mistake("nonlinearity-forgotten", network_with(activation=lambda Z: Z),
                "The hidden layer has no ReLU in the forward pass: A1 = relu(Z1) feeds the second layer and dW2."),
        Mistake("nonlinearity-forgotten", network_with(activation=lambda Z: Z, activation_backward=lambda dA, Z: dA),
                "There is no ReLU at all here: A1 = relu(Z1) on the way forward, its gate on the way back."),
        Mistake("derivative-at-input", network_with(activation_backward=lambda dA, Z: dA * (dA > 0)),
                "The ReLU's gate is set by the sign of Z1, not by the sign of dA1."),
        Mistake("missing-mean", mistaken_output("missing-mean", "The loss is the mean"),
                "All four are n times too large: the loss is a mean, so divide dlogits by n."),
        Mistake("extra-mean", lambda X, *rest: tuple(g / len(X) for g in network_backward(X, *rest)),
                "All four are n times too small: divide by n once, in dlogits, and only sum after that."),
        Mistake("sign-flipped", mistaken_output("sign-flipped", "probability minus"),
                "All signs are flipped: dlogits is probability minus target."),
        Mistake("targets-forgotten", mistaken_output("targets-forgotten"),
                "The labels are not used: subtract 1 from the probability of each example's true class."),
        Mistake("unstable", mistaken_output("unstable", "overflows"),
                "exp of large logits overflows, or vanishes for a whole row; subtract each row's own maximum "
                "(axis=1, keepdims=True) before exp."),
        Mistake("wrong-axis", mistaken_output("wrong-axis"),
                "Softmax runs over the examples here; each row is one example, so it runs along axis=1."),
        Mistake("wrong-index", mistaken_output("wrong-index"),
                "`[:, labels]` picks these columns in every row; pick one entry a row with [np.arange(n), labels]."),
        Mistake("unstable", mistaken_output("unstable", "One maximum"),
                "exp of large logits overflows, or vanishes for a whole row; subtract each row's own maximum "
                "(axis=1, keepdims=True) before exp."),
        Mistake("missing-mean", mistaken_output("missing-mean", "Only the probabilities"),
                "In dlogits only the probabilities are divided by n; the 1 that is taken off must be, too."),
        Mistake("sign-flipped", mistaken_output("sign-flipped", "added"),
                "In dlogits the target is added; it is subtracted: (p − y)/n."),
        Mistake("double-softmax", mistaken_output("double-softmax"),
                "Softmax is applied twice; once turns logits into probabilities."),
        Mistake("stopped-early", mistaken_output("stopped-early"),
                "dlogits is still the gradient with respect to the probabilities; one step further back it is (p − y)/n."),
        Mistake("labels-as-numbers", mistaken_output("labels-as-numbers", "class, not"),
                "The label is the number of a class, not a target value: subtract 1 at its column, nothing elsewhere."),
        Mistake("labels-as-numbers", mistaken_output("labels-as-numbers", "only as wide"),
                "The one-hot rows are only as wide as the largest label in this batch; they need k columns."),
        Mistake("other-loss", mistaken_output("other-loss"),
                "dlogits belongs to a mean over all entries, with the 2 of a square; for cross-entropy it is (p − y)/n."),
        Mistake("extra-factor", mistaken_output("extra-factor"),
                "In dlogits there is one p·(1 − p) too many: the derivative of softmax is already inside p − y."),
        Mistake("bias-forgotten", gate_without_bias,
                "The ReLU's gate looks at X @ W1 without b1; it is set by Z1 = X @ W1 + b1."),
        Mistake("extra-activation", relu_on_logits,
                "There is a ReLU after the last layer; the logits go into softmax as they are."),
        Mistake("other-activation", network_with(activation=sigmoid, activation_backward=lambda dA, Z:
                sigmoid_backward(dA, sigmoid(Z))),
                "The hidden layer uses the sigmoid; in this network it is ReLU."),
        Mistake("other-activation", network_with(activation=np.tanh, activation_backward=lambda dA, Z:
                dA * (1 - np.tanh(Z)**2)),
                "The hidden layer uses tanh; in this network it is ReLU."),
        Mistake("sign-flipped", network_with(activation_backward=lambda dA, Z: dA * (Z <= 0)),
                "The ReLU's gate is the wrong way round: the gradient passes where Z1 is positive."),
        Mistake("value-for-derivative", network_with(activation_backward=lambda dA, Z: dA * relu(Z)),
                "On the way back this multiplies by A1, the value; the ReLU's derivative is 1 or 0."),
        Mistake("nonlinearity-forgotten", changed(network_backward, dW2=lambda a, r: hidden_of(a)[0].T @ hidden_of(a)[1]),
                "dW2 is made from Z1; the second layer's input was A1 = relu(Z1)."),
        Mistake("not-summed-over-batch", changed(network_backward, db1=lambda a, r: hidden_gradient_of(a),
                                                 db2=lambda a, r: hidden_of(a)[1]),
                "db1 and db2 hold a row per example; every example used the same biases, so sum over the batch."),
        Mistake("keepdims", changed(network_backward, db1=lambda a, r: r[None, :]),
                "db1 has a row too many; it has the shape of b1: leave out keepdims=True."),
        Mistake("keepdims", changed(network_backward, db2=lambda a, r: r[None, :]),
                "db2 has a row too many; it has the shape of b2: leave out keepdims=True."),
        Mistake("extra-mean", changed(network_backward, db1=lambda a, r: r / len(a[0]), db2=lambda a, r: r / len(a[0])),
                "db1 and db2 are means over the batch; dlogits is divided by n already, so they are sums."),
        Mistake("extra-mean", changed(network_backward, dW1=lambda a, r: r / len(a[0]), dW2=lambda a, r: r / len(a[0])),
                "dW1 and dW2 are divided by n once more; dlogits is divided by n already."),
        Mistake("bias-forgotten", changed(network_backward, db1=lambda a, r: np.zeros_like(r),
                                          db2=lambda a, r: np.zeros_like(r)),
                "db1 and db2 are zero; each bias moves its column, so its gradient is that column's sum of dZ."),
        Mistake("upstream-ignored", network_with(hidden_gradient=lambda dlogits, W2: np.ones_like(dlogits) @ W2.T),
                "The hidden layer does not hear of the loss: dA1 is dlogits @ W2.T."),
        Mistake("bias-forgotten", network_with(first=without_bias, second=without_bias),
                "The biases are missing in the forward pass: Z1 = X @ W1 + b1, logits = A1 @ W2 + b2."),
        Mistake("bias-forgotten", network_with(first=without_bias),
                "b1 is missing in the forward pass: Z1 = X @ W1 + b1."),
        Mistake("bias-forgotten", network_with(second=without_bias),
                "b2 is missing in the forward pass: logits = A1 @ W2 + b2."),
        Mistake("keepdims", changed(network_backward, db1=lambda a, r: r[None, :], db2=lambda a, r: r[None, :]),
                "db1 and db2 have a row too many; they have the shapes of b1 and b2: leave out keepdims=True."),
        Mistake("transposed", changed(network_backward, dW1=lambda a, r: r.T, dW2=lambda a, r: r.T),
                "dW1 and dW2 are transposed; each has the shape of its matrix: X.T @ dZ1 and A1.T @ dlogits."),
        Mistake("transposed", changed(network_backward, dW1=lambda a, r: r.T),
                "dW1 is transposed; it has the shape of W1: X.T @ dZ1."),
        Mistake("transposed", changed(network_backward, dW2=lambda a, r: r.T),
                "dW2 is transposed; it has the shape of W2: A1.T @ dlogits."),
        Mistake("wrong-order", lambda *a: (lambda dW1, db1, dW2, db2: (dW2, db2, dW1, db1))(*network_backward(*a)),
                "The gradients are right but in the order in which they were found; return dW1, db1, dW2, db2."),
        Mistake("wrong-order", lambda *a: (lambda dW1, db1, dW2, db2: (dW1, dW2, db1, db2))(*network_backward(*a)),
                "The gradients are right but in another order; return dW1, db1, dW2, db2."),
    ),
    hints=(
        "Write the forward pass first, a line a step, and keep Z1 and A1. "
        "Then walk the same lines from the bottom up: each has a backward in 4.1 to 4.4 (run those cells first).",
        "dlogits from 4.4; through the second layer with 4.3 (its input was A1); through the ReLU with 4.1 "
        "(its input was Z1); through the first layer with 4.3 (its input was X).",
        "`dA1, dW2, db2 = dense_backward(dlogits, A1, W2)`, `dZ1 = relu_backward(dA1, Z1)`, then dense_backward "
        "once more with dZ1, X, W1. Return dW1, db1, dW2, db2.",
    ),
)

# --- 4.6 gradient_error --------------------------------------------------------------------

def two_gradients(shape, apart, ratio):
    """Draws an analytic and a numerical gradient, `apart` in relative terms, one `ratio` times the other."""
    def draw(rng):
        analytic = rng.normal(size=shape)
        numerical = ratio * analytic + apart * rng.normal(size=shape)
        return analytic, numerical
    return draw


def norm(x):
    """The length of an array, all its entries taken as one long vector."""
    return np.linalg.norm(np.ravel(x))


def matrix_norm(x, order):
    """numpy's norm of this order: for a matrix another than for a vector."""
    return np.linalg.norm(x, order)


def safely(formula):
    """A wrong formula that does look out for two zero gradients."""
    return lambda a, n: formula(a, n) if np.any(a) or np.any(n) else 0.0


GRADIENT_ERROR = Exercise(
    number="4.6", points=1, minutes=10, difficulty=1,
    summary="How far two gradients are apart, relative to the larger: ‖a − n‖ / max(‖a‖, ‖n‖), 0.0 if both are zero.",
    reference=gradient_error, results=("error",),
    cases=(
        Case("the numerical one is larger", two_gradients((3, 4), apart=0.3, ratio=1.6)),
        Case("the analytic one is larger", two_gradients((4, 3), apart=0.3, ratio=0.4)),
        Case("opposite signs", two_gradients((2, 5), apart=0.1, ratio=-1.3)),
        Case("a bias, the numerical one is larger", two_gradients((6,), apart=0.2, ratio=1.5), pays=False),
        Case("a bias, the analytic one is larger", two_gradients((5,), apart=0.2, ratio=0.5), pays=False),
        Case("nearly equal", two_gradients((5, 2), apart=1e-5, ratio=1.0), pays=False),
        Case("small gradients", lambda rng: tuple(1e-6 * g for g in two_gradients((3, 2), 0.3, 1.3)(rng)),
             pays=False, tolerance=1e-2),  # a floor of 1e-8 in the denominator is a matter of taste, 1e-5 is not
        Case("both zero", lambda rng: (np.zeros((2, 3)), np.zeros((2, 3))), pays=False),
        Case("the analytic one zero", lambda rng: (np.zeros((2, 3)), rng.normal(size=(2, 3))), pays=False),
        Case("the numerical one zero", lambda rng: (rng.normal(size=(2, 3)), np.zeros((2, 3))), pays=False),
    ),
    mistakes=(
        Mistake("wrong-denominator", safely(lambda a, n: norm(a - n) / (norm(a) + norm(n))),
                "This divides by the sum of the two norms; divide by the larger of them."),
        Mistake("wrong-denominator", safely(lambda a, n: norm(a - n) / norm(a) if norm(a) else np.inf),
                "This divides by the analytic gradient's norm; divide by the larger of the two norms."),
        Mistake("wrong-denominator", safely(lambda a, n: norm(a - n) / norm(n)),
                "This divides by the numerical gradient's norm; divide by the larger of the two norms."),
        Mistake("wrong-denominator", lambda a, n: norm(a - n),
                "This is the distance itself; divide it by the larger of the two norms, so that size does not matter."),
        Mistake("wrong-denominator", safely(lambda a, n: norm(a - n) / min(norm(a), norm(n))
                                             if min(norm(a), norm(n)) else np.inf),
                "This divides by the smaller of the two norms; divide by the larger."),
        Mistake("wrong-denominator", safely(lambda a, n: norm(a - n) / ((norm(a) + norm(n)) / 2)),
                "This divides by the mean of the two norms; divide by the larger of them."),
        Mistake("wrong-denominator", lambda a, n: norm(a - n) / max(norm(a), norm(n), 1.0),
                "The denominator never falls below 1, so small gradients always seem to agree; "
                "take the larger of the two norms."),
        Mistake("wrong-denominator", lambda a, n: norm(a - n) / max(norm(a), norm(n), 1e-5),
                "The denominator never falls below a fixed floor, so small gradients always seem to agree; "
                "take the larger of the two norms."),
        Mistake("zero-unguarded", lambda a, n: norm(a - n) / max(norm(a), norm(n)) if norm(n) else 0.0,
                "If only the numerical gradient is zero, the two disagree entirely: only when both are zero return 0.0."),
        Mistake("zero-unguarded", lambda a, n: norm(a - n) / max(norm(a), norm(n)) if norm(a) else 0.0,
                "If only the analytic gradient is zero, the two disagree entirely: only when both are zero return 0.0."),
        Mistake("zero-unguarded", lambda a, n: norm(a - n) / max(norm(a), norm(n)) if norm(a) and norm(n) else 0.0,
                "If only one gradient is zero, the two disagree entirely: only when both are zero return 0.0."),
        Mistake("zero-unguarded", lambda a, n: norm(a - n) / max(norm(a), norm(n)) if norm(a) or norm(n) else 1.0,
                "Two zero gradients agree: their error is 0.0."),
        Mistake("zero-unguarded", lambda a, n: norm(a - n) / np.maximum(norm(a), norm(n)),
                "Two zero gradients give 0/0; they agree, so return 0.0."),
        Mistake("missing-root", safely(lambda a, n: norm(a - n)**2 / max(norm(a), norm(n))**2),
                "These are squared norms; the norm is the square root of the sum of squares."),
        Mistake("missing-root", safely(lambda a, n: norm(a - n)**2 / max(norm(a), norm(n))),
                "The numerator is a squared norm; take its square root."),
        Mistake("other-norm", safely(lambda a, n: matrix_norm(a - n, 2) / max(matrix_norm(a, 2), matrix_norm(n, 2))),
                "`np.linalg.norm(x, 2)` of a matrix is its largest singular value; leave the 2 out, "
                "or take norms of the raveled arrays."),
        Mistake("other-norm", safely(lambda a, n: matrix_norm(a - n, 1) / max(matrix_norm(a, 1), matrix_norm(n, 1))),
                "This is the norm of order 1; the norm is the square root of the sum of squares, the default."),
        Mistake("other-norm", safely(lambda a, n: norm(a - n) / max(np.abs(a).max(), np.abs(n).max())),
                "The denominator is the largest entry; it should be the larger of the two norms."),
        Mistake("other-norm", safely(lambda a, n: np.abs(a - n).max() / max(np.abs(a).max(), np.abs(n).max())),
                "This compares the largest entries; the norm is the square root of the sum of squares."),
        Mistake("other-norm", safely(lambda a, n: np.abs(a - n).sum() / max(np.abs(a).sum(), np.abs(n).sum())),
                "This sums absolute values; the norm is the square root of the sum of squares."),
        Mistake("per-entry", safely(lambda a, n: np.mean(np.abs(a - n) / np.maximum(np.abs(a), np.abs(n)))),
                "This averages one error per entry, so tiny entries count as much as large ones; "
                "take the norms of the whole arrays."),
        Mistake("norm-difference", safely(lambda a, n: abs(norm(a) - norm(n)) / max(norm(a), norm(n))),
                "This compares the two lengths; two gradients of equal length can still point elsewhere. "
                "Take the norm of the difference."),
        Mistake("sign-flipped", safely(lambda a, n: norm(a + n) / max(norm(a), norm(n))),
                "The two gradients are added; the error is the norm of their difference."),
    ),
    hints=(
        "An error of 0.001 is large for a gradient of size 0.01 and tiny for one of size 100. Compared with what?",
        "The norm is the length of the array seen as one long vector: the square root of the sum of squares. "
        "You need three of them, and one special case.",
        "`np.linalg.norm(analytic - numerical)` divided by the `max(...)` of the other two norms; "
        "if that maximum is 0, return 0.0.",
    ),
)

EXERCISES = (RELU_BACKWARD, SIGMOID_BACKWARD, DENSE_BACKWARD, CROSS_ENTROPY_BACKWARD, NETWORK_BACKWARD, GRADIENT_ERROR)
