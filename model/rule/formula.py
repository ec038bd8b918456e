"""Formulas over arrays that become the nodes of an ONNX graph, so that a rule written once runs in every runtime.

    rule = Rule()
    vision = rule.input("vision", np.float32, ("animals",)).wide()
    rule.output("best", (vision * weights).argmax())

All arrays have one dimension; a number is an array of length 1. Numbers are float64, and truth is 0.0 or 1.0: *and* is
a product, *or* a maximum.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from onnx import ModelProto, helper

from model.graph import GraphBuilder, to_model

OPSET = 18
"""The first with a scattered maximum."""


class Array:
    """An array in a graph. `name`: of its tensor. `dtype`: of its elements."""

    def __init__(self, rule: "Rule", name: str, dtype: DTypeLike = np.float64) -> None:
        self.rule, self.name, self.dtype = rule, name, np.dtype(dtype)

    def __add__(self, other: "Operand") -> "Array":
        return self._with("Add", other)

    def __sub__(self, other: "Operand") -> "Array":
        return self._with("Sub", other)

    def __rsub__(self, other: "Operand") -> "Array":
        return self.rule.array(other, self.dtype) - self

    def __mul__(self, other: "Operand") -> "Array":
        return self._with("Mul", other)

    def __truediv__(self, other: "Operand") -> "Array":
        return self._with("Div", other)

    def __pow__(self, other: "Operand") -> "Array":
        return self._with("Pow", other)

    def __ge__(self, other: "Operand") -> "Array":
        return self._truth("GreaterOrEqual", other)

    def __gt__(self, other: "Operand") -> "Array":
        return self._truth("Greater", other)

    def equals(self, other: "Operand") -> "Array":
        """Return where two arrays have the same number."""
        return self._truth("Equal", other)

    def __getitem__(self, index: "Array | NDArray[np.integer[Any]] | list[Any]") -> "Array":
        """Return the elements at some positions. For an array of two dimensions, its rows."""
        return self.rule.add_node("Gather", [self, self.rule.array(index, np.int32)], self.dtype)

    def largest(self, other: "Operand") -> "Array":
        """Return the larger one of each two numbers."""
        return self._with("Max", other)

    def least(self, other: "Operand") -> "Array":
        """Return the smaller one of each two numbers."""
        return self._with("Min", other)

    def apply(self, function: str) -> "Array":
        """Return a function of each number, by the name of its operator, such as Log."""
        return self.rule.add_node(function, [self], self.dtype)

    def wide(self) -> "Array":
        """Return the numbers in float64."""
        return self.cast(np.float64)

    def cast(self, dtype: DTypeLike) -> "Array":
        """Return the elements in another type."""
        to = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.rule.add_node("Cast", [self], dtype, to=to)

    def sum(self) -> "Array":
        """Return the sum."""
        return self.rule.add_node("ReduceSum", [self], self.dtype, keepdims=1)

    def max(self) -> "Array":
        """Return the largest number."""
        return self.rule.add_node("ReduceMax", [self], self.dtype, keepdims=1)

    def argmax(self) -> "Array":
        """Return the position of the largest number, of the first if there are several."""
        return self.rule.add_node("ArgMax", [self], np.int64, axis=0, keepdims=1)

    def sums(self, groups: NDArray[np.integer[Any]], size: int) -> "Array":
        """Return the sum of each group, as `np.bincount` does. `groups`: of each number. `size`: number of groups."""
        return self._grouped(groups, size, "add")

    def largest_of(self, groups: NDArray[np.integer[Any]], size: int) -> "Array":
        """Return the largest number of each group, at least 0."""
        return self._grouped(groups, size, "max")

    def top(self, most: int) -> "Array":
        """Return the positions of the largest numbers, the largest first; ties keep their order."""
        values, positions = self.rule.name(), self.rule.name()
        self.rule.nodes.append(
            helper.make_node("TopK", [self.name, self.rule.array([most], np.int64).name], [values, positions], axis=0)
        )
        return Array(self.rule, positions, np.int64)

    def rows(self) -> "Array":
        """Return each number as a row of one."""
        return self.rule.add_node("Unsqueeze", [self, self.rule.array(1, np.int64)], self.dtype)

    def row_sums(self) -> "Array":
        """Return the sum of each row."""
        return self.rule.add_node("ReduceSum", [self, self.rule.array(1, np.int64)], self.dtype, keepdims=0)

    def row_maxima(self) -> "Array":
        """Return the largest number of each row."""
        return self.rule.add_node("ReduceMax", [self, self.rule.array(1, np.int64)], self.dtype, keepdims=0)

    def _grouped(self, groups: NDArray[np.integer[Any]], size: int, how: str) -> "Array":
        none = self.rule.array(np.zeros(size), self.dtype)
        inputs = [none, self.rule.array(groups, np.int32), self]
        return self.rule.add_node("ScatterElements", inputs, self.dtype, axis=0, reduction=how)

    def _with(self, operator: str, other: "Operand") -> "Array":
        return self.rule.add_node(operator, [self, self.rule.array(other, self.dtype)], self.dtype)

    def _truth(self, operator: str, other: "Operand") -> "Array":
        return self.rule.add_node(operator, [self, self.rule.array(other, self.dtype)], np.bool_).wide()


type Operand = Array | NDArray[Any] | Sequence[float] | float


class Rule(GraphBuilder):
    """A graph of formulas that is being built."""

    def __init__(self) -> None:
        super().__init__()
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._known: dict[tuple[str, bytes], Array] = {}
        self._numbers = count()

    def name(self) -> str:
        """Return a name for another tensor."""
        return f"t{next(self._numbers)}"

    def input(self, name: str, dtype: DTypeLike, shape: Sequence[str | int]) -> Array:
        """Return an input of the graph."""
        element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self._inputs.append(helper.make_tensor_value_info(name, element, shape))
        return Array(self, name, dtype)

    def output(self, name: str, array: Array, length: int) -> None:
        """Make an array an output of the graph."""
        self.add("Identity", [array.name], name)
        element = helper.np_dtype_to_tensor_dtype(array.dtype)
        self._outputs.append(helper.make_tensor_value_info(name, element, [length]))

    def array(self, values: Operand, dtype: DTypeLike = np.float64) -> Array:
        """Return a constant; equal ones are one. An array of the graph stays as it is."""
        if isinstance(values, Array):
            return values
        constant = np.atleast_1d(np.asarray(values)).astype(dtype)
        key = f"{constant.dtype}{constant.shape}", constant.tobytes()
        if key not in self._known:
            self._known[key] = Array(self, self.constant(f"c{len(self.constants)}", constant), dtype)
        return self._known[key]

    def where(self, truth: Array, then: Operand, otherwise: Operand, dtype: DTypeLike = np.float64) -> Array:
        """Return the elements of one array where something is true, and of another one elsewhere."""
        inputs = [truth.cast(np.bool_), self.array(then, dtype), self.array(otherwise, dtype)]
        return self.add_node("Where", inputs, dtype)

    def join(self, arrays: Sequence[Array]) -> Array:
        """Return arrays one after the other."""
        return self.add_node("Concat", arrays, arrays[0].dtype, axis=0)

    def add_node(self, operator: str, inputs: Sequence[Array], dtype: DTypeLike, **attributes: Any) -> Array:
        """Return the result of an operator. `dtype`: of its elements."""
        return Array(self, self.add(operator, [each.name for each in inputs], self.name(), **attributes), dtype)

    def finished(self, name: str, producer: str, metadata: Mapping[str, str]) -> ModelProto:
        """Return the checked model."""
        graph = helper.make_graph(self.nodes, name, self._inputs, self._outputs, [*self.constants.values()])
        return to_model(graph, producer, metadata, OPSET)
