"""The lesson on convolution as pure computation: what its chapters show, measured or worked out step by step.

Chapter 1, what a convolution is:
    `walkthrough` (term by term), `exercises` and `mistakes` (your turn).
Chapter 2, why convolution for pictures:
    `locality`, `sharing`, `equivariance`, `position`.
Chapter 3, stride, padding, kernels:
    `windows` (along one axis), and over the catalogue in `explorer.kernels` `filtering`, `composition`,
    `separability`, `frequency` and `peers` (the same operators elsewhere).
Chapter 4, building networks:
    `pooling` (max-pool and ReLU step by step), `builder`, `notation` (a network in a link), `anatomy` (what
    its diagram shows), `code`, `tasks`, `trainer`, `twins` (with random filters beside it), `edges`.
"""
