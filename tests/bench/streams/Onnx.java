// Onnx: the model's probability by ONNX Runtime, from the file that model.py writes. It computes in doubles,
// as the other peers do. Cheaper than usual for the peer: its input is one tensor, whose memory is filled anew
// for each record. One thread, which is the caller's, so the runtime starts none that would wait in a loop.
// SPDX-License-Identifier: Apache-2.0
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.util.Map;

final class Onnx {
    private final OrtSession session;
    private final DoubleBuffer row;
    private final Map<String, OnnxTensor> inputs;

    Onnx(String path, int columns) throws OrtException {
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(1);
        options.setInterOpNumThreads(1);
        session = environment.createSession(path, options);
        row = ByteBuffer.allocateDirect(columns * Double.BYTES).order(ByteOrder.nativeOrder()).asDoubleBuffer();
        inputs = Map.of("x", OnnxTensor.createTensor(environment, row, new long[] {1, columns}));
    }

    double probability(float[] x) throws OrtException {
        for (int j = 0; j < x.length; j++) row.put(j, x[j]);
        try (OrtSession.Result result = session.run(inputs)) {
            return ((OnnxTensor) result.get(0)).getDoubleBuffer().get(0);
        }
    }
}
