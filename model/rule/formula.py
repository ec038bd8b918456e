"""Formulas over arrays that become the nodes of an ONNX graph, so that a rule written once runs in every runtime.

    rule = Rule()
    vision = rule.input("vision", ("animals",))
    rule.output("best", (vision * weights).argmax(), 1)

All arrays have one dimension; a number is an array of length 1. Numbers are float64, and truth is 0.0 or 1.0: *and* is
a product, *or* a maximum. No node is a Cast: onnxruntime has one function for all types of it, and as soon as this has
run a few times, a browser's optimising compiler takes seconds and 100 MB of memory for it.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from onnx import ModelProto, TensorProto, helper

from model.graph import GraphBuilder, to_model

OPSET = 18
"""The first version of ONNX's operators whose ScatterElements can take the maximum."""


def _numbers_of(operator: str) -> "Callable[[Array, Operand], Array]":
    return lambda one, other: one.apply(operator, one.rule.array(other, one.dtype))


def _truth_of(operator: str) -> "Callable[[Array, Operand], Array]":
    def compare(one: "Array", other: "Operand") -> "Array":
        truth = one.rule.add_node(operator, [one, one.rule.array(other, one.dtype)], np.bool_)
        return one.rule.add_node("Where", [truth, one.rule.array(1.0), one.rule.array(0.0)], np.float64)

    return compare


class Array:
    """An array in a graph. `name`: name of its tensor. `dtype`: type of its elements."""

    def __init__(self, rule: "Rule", name: str, dtype: DTypeLike = np.float64) -> None:
        self.rule, self.name, self.dtype = rule, name, np.dtype(dtype)

    def __rsub__(self, other: "Operand") -> "Array":
        return self.rule.array(other, self.dtype) - self

    def __getitem__(self, index: "Array | NDArray[np.integer[Any]] | list[Any]") -> "Array":
        """Return the elements at some positions, or the rows if the array has two dimensions."""
        return self.rule.add_node("Gather", [self, self.rule.array(index, np.int32)], self.dtype)

    def apply(self, function: str, *more: "Array", **attributes: int) -> "Array":
        """Return the result of an ONNX operator on this array. `function`: the operator's name, such as Log."""
        return self.rule.add_node(function, [self, *more], self.dtype, **attributes)

    def sum(self) -> "Array":
        return self.apply("ReduceSum", keepdims=1)

    def max(self) -> "Array":
        return self.apply("ReduceMax", keepdims=1)

    def argmax(self) -> "Array":
        """Return the position of the largest number; if there are several, of the first of them."""
        return self.rule.add_node("ArgMax", [self], np.int64, axis=0, keepdims=1)

    def sums(self, groups: NDArray[np.integer[Any]], size: int, how: str = "add") -> "Array":
        """Return the sum of each group, as `np.bincount`. `groups`: group of each number. `size`: number of groups."""
        inputs = [self.rule.array(np.zeros(size), self.dtype), self.rule.array(groups, np.int32), self]
        return self.rule.add_node("ScatterElements", inputs, self.dtype, axis=0, reduction=how)

    def largest_of(self, groups: NDArray[np.integer[Any]], size: int) -> "Array":
        """Return the largest number of each group, or 0 if all of its numbers are below 0. Parameters as for `sums`."""
        return self.sums(groups, size, "max")

    def top(self, most: int) -> "Array":
        """Return the positions of the `most` largest numbers, the largest first; ties keep their order."""
        outputs = [self.rule.name(), self.rule.name()]
        inputs = [self.name, self.rule.array(most, np.int64).name]
        self.rule.nodes.append(helper.make_node("TopK", inputs, outputs, axis=0))
        return Array(self.rule, outputs[1], np.int64)

    def rows(self) -> "Array":
        """Return a matrix of one column, with one number in each row."""
        return self.apply("Unsqueeze", self.rule.array(1, np.int64))

    def row_sums(self) -> "Array":
        return self.apply("ReduceSum", self.rule.array(1, np.int64), keepdims=0)

    def row_maxima(self) -> "Array":
        return self.apply("ReduceMax", self.rule.array(1, np.int64), keepdims=0)

    __add__, __sub__, __mul__, __truediv__, __pow__ = map(_numbers_of, ("Add", "Sub", "Mul", "Div", "Pow"))
    largest, least = map(_numbers_of, ("Max", "Min"))
    __ge__, __gt__, equals = map(_truth_of, ("GreaterOrEqual", "Greater", "Equal"))


type Operand = Array | NDArray[Any] | Sequence[float] | float


class Rule(GraphBuilder):
    """Builds an ONNX graph from formulas over arrays: add inputs and outputs, then take the model from `finished`."""

    def __init__(self) -> None:
        super().__init__()
        self._inputs, self._outputs, self._numbers = list[Any](), list[Any](), count()
        self._known: dict[tuple[str, bytes], Array] = {}

    def name(self) -> str:
        """Return a name that no tensor has yet."""
        return f"t{next(self._numbers)}"

    def input(self, name: str, shape: Sequence[str | int]) -> Array:
        """Add an input to the graph, and return its array."""
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.DOUBLE, shape))
        return Array(self, name)

    def output(self, name: str, array: Array, length: int) -> None:
        """Make an array an output of the graph."""
        self.add("Identity", [array.name], name)
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.DOUBLE, [length]))

    def array(self, values: Operand, dtype: DTypeLike = np.float64) -> Array:
        """Return a constant of the graph; equal values share one. An `Array` is returned unchanged."""
        if isinstance(values, Array):
            return values
        constant = np.atleast_1d(np.asarray(values)).astype(dtype)
        key = f"{constant.dtype}{constant.shape}", constant.tobytes()
        if key not in self._known:
            self._known[key] = Array(self, self.constant(f"c{len(self.constants)}", constant), dtype)
        return self._known[key]

    def where(self, truth: Array, then: Operand, otherwise: Operand) -> Array:
        """Return the elements of `then` where `truth` is not 0, and those of `otherwise` elsewhere."""
        is_false = self.add_node("Equal", [truth, self.array(0.0)], np.bool_)
        return self.add_node("Where", [is_false, self.array(otherwise), self.array(then)], np.float64)

    def join(self, arrays: Sequence[Array]) -> Array:
        """Return the given arrays, concatenated."""
        return self.add_node("Concat", arrays, arrays[0].dtype, axis=0)

    def add_node(self, operator: str, inputs: Sequence[Array], dtype: DTypeLike, **attributes: Any) -> Array:
        """Add the node of an ONNX operator, and return its result. `dtype`: type of the result's elements."""
        return Array(self, self.add(operator, [each.name for each in inputs], self.name(), **attributes), dtype)

    def finished(self, name: str, producer: str, metadata: Mapping[str, str]) -> ModelProto:
        """Return the graph as an ONNX model that the checker has accepted."""
        graph = helper.make_graph(self.nodes, name, self._inputs, self._outputs, [*self.constants.values()])
        return to_model(graph, producer, metadata, OPSET)
