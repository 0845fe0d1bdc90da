"""Operators of TensorFlow that a graph from a stranger may hold where TensorFlow itself runs it.

A list of what is allowed, since TensorFlow gains operators with each version and says of some that
they keep no state although they read files (ReadFile) or call Python (PyFuncStateless). On it are
arithmetic, arrays, strings, layers, linear algebra and control flow. Not on it: whatever knows
files, devices, the network, Python, compilers, variables, queues, data sets, and decoders of
images.
"""

from respnet.engine.errors import FileError
from respnet.engine.onnx.limits import Budget, Limits
from respnet.engine.onnx.reader import bytes_of
from respnet.engine.tf.proto import decode

ALLOWED = frozenset("""
    Abs AccumulateNV2 Acos Acosh Add AddN AddV2 All Angle Any ApproximateEqual ArgMax ArgMin
    AsString Asin Asinh Assert Atan Atan2 Atanh AvgPool AvgPool3D BatchMatMul BatchMatMulV2
    BatchMatMulV3 BatchToSpace BatchToSpaceND BesselI0 BesselI0e BesselI1 BesselI1e Betainc
    BiasAdd BiasAddV1 Bincount Bitcast BitwiseAnd BitwiseOr BitwiseXor BroadcastArgs BroadcastTo
    Bucketize Case Cast Ceil CheckNumerics CheckNumericsV2 Cholesky ClipByValue
    CombinedNonMaxSuppression Complex ComplexAbs Concat ConcatOffset ConcatV2 Conj
    ConjugateTranspose Const Conv Conv2D Conv2DBackpropInput Conv3D Conv3DBackpropInputV2 Cos Cosh
    CropAndResize Cross Cumprod Cumsum CumulativeLogsumexp DataFormatDimMap DataFormatVecPermute
    DecodeBase64 DecodeRaw DenseBincount DepthToSpace DepthwiseConv2dNative Dequantize Diag
    DiagPart Digamma Dilation2D Div DivNoNan DynamicPartition DynamicStitch EditDistance Einsum
    Elu EmptyTensorList EncodeBase64 EnsureShape Enter Equal Erf Erfc Erfinv EuclideanNorm Exit
    Exp ExpandDims Expm1 ExtractImagePatches FFT FFT2D FFT3D FakeQuantWithMinMaxArgs
    FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel Fill Floor FloorDiv FloorMod
    FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 Gather GatherNd GatherV2 Greater GreaterEqual
    HSVToRGB HistogramFixedWidth IFFT IFFT2D IFFT3D IRFFT IRFFT2D IRFFT3D Identity IdentityN If
    Igamma Igammac Imag InTopK InTopKV2 Inv Invert InvertPermutation IsFinite IsInf IsNan L2Loss
    LRN LeakyRelu LeftShift Less LessEqual Lgamma LinSpace ListDiff Log Log1p LogMatrixDeterminant
    LogSoftmax LogicalAnd LogicalNot LogicalOr LoopCond LowerBound MatMul MatrixBandPart
    MatrixDeterminant MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2
    MatrixDiagV3 MatrixInverse MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 MatrixSolve
    MatrixSolveLs MatrixTriangularSolve Max MaxPool MaxPool3D MaxPoolV2 MaxPoolWithArgmax Maximum
    Mean Merge Min Minimum MirrorPad Mod Mul MulNoNan Multinomial Ndtri Neg NextAfter
    NextIteration NoOp NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3
    NonMaxSuppressionV4 NonMaxSuppressionV5 NotEqual NthElement OneHot OnesLike Pack Pad PadV2
    ParallelConcat ParallelDynamicStitch PartitionedCall Placeholder PlaceholderV2
    PlaceholderWithDefault Polygamma PopulationCount Pow PreventGradient Prod Qr
    QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeV2 RFFT RFFT2D RFFT3D RGBToHSV
    RandomShuffle RandomStandardNormal RandomUniform RandomUniformInt Range Rank Real RealDiv
    Reciprocal ReduceJoin RegexFullMatch RegexReplace Relu Relu6 Reshape ResizeArea ResizeBicubic
    ResizeBilinear ResizeNearestNeighbor Reverse ReverseSequence ReverseV2 RightShift Rint Roll
    Round Rsqrt ScaleAndTranslate ScatterNd SegmentMax SegmentMean SegmentMin SegmentProd
    SegmentSum Select SelectV2 SelfAdjointEigV2 Selu Shape ShapeN Sigmoid Sign Sin Sinh Size Slice
    Snapshot Softmax SoftmaxCrossEntropyWithLogits Softplus Softsign SpaceToBatch SpaceToBatchND
    SpaceToDepth SparseSegmentMean SparseSegmentSqrtN SparseSegmentSum
    SparseSoftmaxCrossEntropyWithLogits SparseTensorDenseMatMul SparseToDense Split SplitV Sqrt
    Square SquaredDifference Squeeze StatefulPartitionedCall StatelessCase StatelessIf
    StatelessMultinomial StatelessRandomNormal StatelessRandomNormalV2 StatelessRandomUniform
    StatelessRandomUniformInt StatelessRandomUniformIntV2 StatelessRandomUniformV2
    StatelessTruncatedNormal StatelessTruncatedNormalV2 StatelessWhile StaticRegexFullMatch
    StaticRegexReplace StopGradient StridedSlice StringFormat StringJoin StringLength StringLower
    StringSplit StringSplitV2 StringStrip StringToHashBucketFast StringToHashBucketStrong
    StringToNumber StringUpper Sub Substr Sum Svd Switch Tan Tanh TensorArrayCloseV3
    TensorArrayConcatV3 TensorArrayGatherV3 TensorArrayReadV3 TensorArrayScatterV3
    TensorArraySizeV3 TensorArraySplitV3 TensorArrayV3 TensorArrayWriteV3 TensorListConcatV2
    TensorListElementShape TensorListFromTensor TensorListGather TensorListGetItem
    TensorListLength TensorListPopBack TensorListPushBack TensorListReserve TensorListResize
    TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem TensorListSplit
    TensorListStack TensorScatterAdd TensorScatterMax TensorScatterMin TensorScatterSub
    TensorScatterUpdate TensorStridedSliceUpdate Tile TopK TopKV2 Transpose TridiagonalSolve
    TruncateDiv TruncateMod TruncatedNormal Unique UniqueV2 UniqueWithCounts UniqueWithCountsV2
    Unpack UnravelIndex UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd
    UnsortedSegmentSum UpperBound Where While Xdivy Xlog1py Xlogy ZerosLike Zeta
    """.split())


def check(nodes) -> None:
    """FileError for the first node (name, op) that is not on the list."""
    for node in nodes:
        if node.op not in ALLOWED:
            raise FileError(f"node {node.name!r} ({node.op}): TensorFlow may not run this operator "
                            "here")


def check_file(source, limits: Limits | None = None) -> None:
    """The same for all nodes of a GraphDef and of its functions, of a path or of bytes."""
    limits = limits or Limits()
    graph = decode("Graph", memoryview(bytes_of(source, limits)).toreadonly(), Budget(limits))
    check(graph.node)
    for function in graph.library.function if graph.library else ():
        check(function.node_def)
