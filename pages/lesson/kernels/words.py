"""What the chapter on kernels says in numbers: each sentence from what was computed."""

from __future__ import annotations

from explorer.convolution import ConvolutionError
from explorer.lesson.filtering import Display
from explorer.lesson.frequency import FrequencyResponse
from explorer.lesson.separability import Separability
from explorer.lesson.windows import Axis
from explorer.rendering import number

RUN = {
    "across": "across the picture",
    "down": "down the picture",
    "falling": "slantwise, to the right and downwards",
    "rising": "slantwise, to the right and upwards",
    "several": "in more than one direction",
}
ORDINALS = {2: "second", 3: "third", 4: "fourth"}


def count(many: int, one: str) -> str:
    """A number with its noun.

    Example:
        >>> count(1, "zero"), count(2, "pixel")
        ('1 zero', '2 pixels')
    """
    return f"{many or 'no'} {one if many == 1 else one + 's'}"


def are(many: int, one: str) -> str:
    """A number with its noun and verb.

    Example:
        >>> are(1, "pixel"), are(2, "pixel")
        ('1 pixel is', '2 pixels are')
    """
    return f"{count(many, one)} {'is' if many == 1 else 'are'}"


def worked_on(given: tuple[int, ...], size: tuple[int, int]) -> str:
    """How large the picture is that is worked on.

    Args:
        given: Rows and columns of the picture as it is, and channels.
        size: Rows and columns of the one at work.
    """
    shown = f"{size[1]} × {size[0]} pixels"
    if given[:2] == size:
        return shown + "."
    return (
        f"Worked on at {shown}, reduced from {given[1]} × {given[0]}, so that every change answers at once."
    )


def impossible(error: ConvolutionError, padding: str, stride: int) -> str:
    """Why these numbers don't go together, and what to do."""
    if padding == "same" and stride > 1:
        return (
            "PyTorch refuses this: `padding='same'` is defined for stride 1 only, "
            f"and the stride is {stride}. Take SAME (TensorFlow), or a number."
        )
    return f"Not possible: {error}."


def zeros(sizes: Axis) -> str:
    """How many zeros stand where.

    Example:
        >>> from explorer.lesson.windows import axis
        >>> zeros(axis(8, 3, 2, "same_tensorflow"))
        'no zeros before, 1 after'
    """
    return f"{count(sizes.before, 'zero')} before, {sizes.after or 'none'} after"


def told(sizes: Axis, padding: str) -> str:
    """What stride and padding did to the size."""
    change = "stay" if sizes.output == sizes.size else "become"
    parts = [f"**{sizes.size} × {sizes.size} pixels {change} {sizes.output} × {sizes.output}.**"]
    if padding == "valid":
        parts.append("VALID means no padding: only windows that lie wholly inside count.")
    else:
        parts.append(f"Along each axis there are {zeros(sizes)}.")
    if sizes.stride > 1:
        parts.append(f"The window moves {sizes.stride} pixels at once.")
    if sizes.left_over:
        many = are(sizes.left_over, "column")
        parts.append(f"At the end {many} left over: one more step would reach beyond.")
    if sizes.unread:
        parts.append(f"In each row {are(len(sizes.unread), 'pixel')} never read.")
    return " ".join(parts)


def two_libraries(pytorch: Axis, tensorflow: Axis) -> str:
    """Where the zeros go and why the outputs differ."""
    stride, size = pytorch.stride, pytorch.size
    if stride == 1:
        return (
            f"**They agree.** At stride 1 both put {zeros(pytorch)}, and the output has {size} pixels again."
        )
    why = (
        f"PyTorch itself refuses `padding='same'` at stride {stride}; shown is what people mean by "
        f"it, the padding of stride 1 ({zeros(pytorch)}) with every {ORDINALS[stride]} window kept. "
        f"TensorFlow first fixes the output at ⌈{size} / {stride}⌉ = {tensorflow.output}, then adds "
        f"only the zeros that this takes: {zeros(tensorflow)}."
    )
    shift = pytorch.before - tensorflow.before
    if not shift:
        return f"**Here they agree.** {why}"
    return (
        f"**Every TensorFlow window lies {count(shift, 'pixel')} further to the right**, "
        f"so each output comes from other pixels. {why}"
    )


def even(sizes: Axis) -> str:
    """Where the zeros of an even kernel go, or that an odd one has a middle."""
    total = count(sizes.before + sizes.after, "zero")
    if sizes.kernel % 2:
        return (
            f"{sizes.kernel} taps need {total} to keep the size, {sizes.before} on either side: "
            "each output stands right below a pixel."
        )
    return (
        f"{sizes.kernel} taps need {total} to keep the size, an odd number: "
        f"{sizes.before or 'none'} before, {sizes.after} after, in PyTorch as in TensorFlow. "
        "Each window's middle lies between two pixels, so the output is half a pixel off. "
        "That is why most networks use odd kernels."
    )


def dilation(sizes: Axis) -> str:
    """How far a dilated kernel reaches."""
    if sizes.dilation == 1:
        return (
            f"{sizes.kernel} taps side by side reach over {sizes.span} pixels; "
            f"{sizes.size} pixels become {sizes.output}. Pull them apart."
        )
    return (
        f"{sizes.kernel} taps that lie {sizes.dilation} apart reach over "
        f"{sizes.dilation} · ({sizes.kernel} − 1) + 1 = {sizes.span} pixels without a weight more: "
        f"a wider view at the same price. {sizes.size} pixels become {sizes.output}."
    )


def percent(share: float) -> str:
    """A share in percent; a small one is not rounded to nothing.

    Example:
        >>> percent(0.1234), percent(0.00002), percent(0)
        ('12.3 %', '0.002 %', '0 %')
    """
    return f"{number(100 * share)} %"


def display(shown: Display, how: str) -> str:
    """What a display does with numbers that a screen cannot show, and to how many."""
    if how == "clip":
        return (
            "Each number is shown as it is; below 0 all is black, above 255 all is white. "
            f"**{percent(shown.clipped)} of the numbers are cut off** "
            f"({percent(shown.below)} below, {percent(shown.above)} above)."
        )
    if how == "absolute":
        return (
            "The sign is dropped, so that dark-to-bright and bright-to-dark edges look alike; "
            f"above 255 all is white. **{percent(shown.clipped)} of the numbers are cut off.**"
        )
    divided = f"The numbers are divided by {number(shown.divisor)}, so" if shown.divisor != 1 else "So"
    return (
        f"Zero is middle grey, positive is lighter, negative darker. {divided} that **nothing is cut off**."
    )


def waves(response: FrequencyResponse) -> str:
    """What a kernel does to waves, in one sentence."""
    most = response.strongest[2]
    constant = response.constant
    if most < 1e-12:
        return "Every weight is zero, so nothing comes through."
    even = (
        "An even picture vanishes (× 0)"
        if constant < 1e-9
        else f"An even picture comes out × {number(constant)}"
    )
    if most - float(response.magnitude.min()) < 1e-9 * most:
        return f"{even}, and so does every wave: no direction and no width is preferred."
    if response.wavelength == float("inf"):
        fine = number(round(response.finest, 2))
        return f"{even}, and no wave comes out stronger; of the finest stripes × {fine} is left."
    return (
        f"{even}; the strongest answer, about × {most:.2g}, is to waves of about "
        f"{response.wavelength:.2g} pixels that run {RUN[response.direction]}."
    )


def separable(apart: Separability) -> str:
    """The kernel's rank, and what taking it apart saves."""
    rows, columns = apart.kernel.shape
    if apart.rank == 0:
        return "**Rank 0.** All weights are zero: there is nothing to compute."
    if min(rows, columns) == 1:
        return f"**Rank 1**, and already a single line: {count(apart.products, 'product')} per pixel."
    whole, pairs = apart.products, apart.products_apart
    if apart.separable:
        gain = f"{number(whole / pairs)} times fewer" if apart.saves else "which saves nothing at this size"
        return (
            "**Rank 1: a column times a row.** First the rows, then the columns: "
            f"{rows} + {columns} = {pairs} products per pixel in place of {rows} · {columns} = "
            f"{whole}, {gain}."
        )
    carried = percent(float(apart.shares[0]))
    verdict = "still fewer" if apart.saves else "so it is better applied whole"
    return (
        f"**Rank {apart.rank}: not one column times one row, but a sum of {apart.rank} such pairs**, "
        f"of which the first carries {carried} of its energy. Apart they need "
        f"{apart.rank} · ({rows} + {columns}) = {pairs} products per pixel in place of {whole}, {verdict}."
    )


def brightness(total: float) -> str:
    """What the sum of the weights says."""
    if abs(total - 1) < 0.01:
        return "The weights add up to 1: even areas keep their brightness."
    if abs(total) < 0.01:
        return "The weights add up to 0: even areas become 0, and only change remains."
    return f"The weights add up to {number(total)}: even areas become {number(total)} times as bright."
