// BouncyCastle as an oracle: a question a line on standard input, an answer a line on standard output. Run by bouncy_castle.rs as
// `java -cp bcprov.jar BouncyCastle.java`. Octets are hexadecimal, "-" is none; numbers are hexadecimal, most significant digit first.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.math.BigInteger;
import java.util.HexFormat;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ua.DSTU4145NamedCurves;
import org.bouncycastle.asn1.ua.DSTU4145PointEncoder;
import org.bouncycastle.crypto.BlockCipher;
import org.bouncycastle.crypto.CipherParameters;
import org.bouncycastle.crypto.Digest;
import org.bouncycastle.crypto.Mac;
import org.bouncycastle.crypto.StreamCipher;
import org.bouncycastle.crypto.digests.DSTU7564Digest;
import org.bouncycastle.crypto.digests.GOST3411Digest;
import org.bouncycastle.crypto.engines.DSTU7624Engine;
import org.bouncycastle.crypto.engines.GOST28147Engine;
import org.bouncycastle.crypto.macs.DSTU7564Mac;
import org.bouncycastle.crypto.macs.DSTU7624Mac;
import org.bouncycastle.crypto.modes.CFBBlockCipher;
import org.bouncycastle.crypto.modes.KCTRBlockCipher;
import org.bouncycastle.crypto.params.ECDomainParameters;
import org.bouncycastle.crypto.params.ECPrivateKeyParameters;
import org.bouncycastle.crypto.params.ECPublicKeyParameters;
import org.bouncycastle.crypto.params.KeyParameter;
import org.bouncycastle.crypto.params.ParametersWithIV;
import org.bouncycastle.crypto.params.ParametersWithSBox;
import org.bouncycastle.crypto.signers.DSTU4145Signer;
import org.bouncycastle.math.ec.ECPoint;

public class BouncyCastle {
    private static final HexFormat HEX = HexFormat.of();

    public static void main(String[] arguments) throws Exception {
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in));
        for (String line = questions.readLine(); line != null; line = questions.readLine()) {
            String answer;
            try {
                answer = answer(line.split(" "));
            } catch (RuntimeException refusal) {
                answer = "refused";
            }
            System.out.println(answer);
        }
    }

    private static String answer(String[] words) {
        switch (words[0]) {
            case "public": // curve, d
                ECDomainParameters own = domain(words[1]);
                ECPoint point = own.getG().multiply(new BigInteger(words[2], 16)).negate().normalize();
                return hex(DSTU4145PointEncoder.encodePoint(point));
            case "sign": // curve, d, hash
                ECDomainParameters domain = domain(words[1]);
                DSTU4145Signer signer = new DSTU4145Signer();
                signer.init(true, new ECPrivateKeyParameters(new BigInteger(words[2], 16), domain));
                BigInteger[] signature = signer.generateSignature(octets(words[3]));
                return signature[0].toString(16) + " " + signature[1].toString(16);
            case "verify": // curve, compressed point, hash, r, s
                ECDomainParameters its = domain(words[1]);
                ECPoint key = DSTU4145PointEncoder.decodePoint(its.getCurve(), octets(words[2]));
                DSTU4145Signer verifier = new DSTU4145Signer();
                verifier.init(false, new ECPublicKeyParameters(key, its));
                BigInteger r = new BigInteger(words[4], 16);
                BigInteger s = new BigInteger(words[5], 16);
                return Boolean.toString(verifier.verifySignature(octets(words[3]), r, s));
            case "kupyna": // bits, message
                return digest(new DSTU7564Digest(Integer.parseInt(words[1])), octets(words[2]));
            case "kmac": // bits, key, message
                return mac(new DSTU7564Mac(Integer.parseInt(words[1])), octets(words[2]), octets(words[3]));
            case "gost34311": // table of 128 values, message
                return digest(new GOST3411Digest(octets(words[1])), octets(words[2]));
            case "gost28147-cfb": // table of 128 values, key, vector, message
                CipherParameters keyAndTable = new ParametersWithSBox(new KeyParameter(octets(words[2])), octets(words[1]));
                StreamCipher feedback = CFBBlockCipher.newInstance(new GOST28147Engine(), 64);
                feedback.init(true, new ParametersWithIV(keyAndTable, octets(words[3])));
                return stream(feedback, octets(words[4]));
            case "kalyna-ecb": // bits of a block, key, block
                BlockCipher engine = new DSTU7624Engine(Integer.parseInt(words[1]));
                engine.init(true, new KeyParameter(octets(words[2])));
                byte[] block = octets(words[3]);
                engine.processBlock(block, 0, block, 0);
                return hex(block);
            case "kalyna-ctr": // bits of a block, key, vector, message
                StreamCipher counter = new KCTRBlockCipher(new DSTU7624Engine(Integer.parseInt(words[1])));
                counter.init(true, new ParametersWithIV(new KeyParameter(octets(words[2])), octets(words[3])));
                return stream(counter, octets(words[4]));
            case "kalyna-cmac": // bits of a block, bits of the code, key, message
                int size = Integer.parseInt(words[1]);
                return mac(new DSTU7624Mac(size, Integer.parseInt(words[2])), octets(words[3]), octets(words[4]));
            default:
                throw new IllegalArgumentException(words[0]);
        }
    }

    private static ECDomainParameters domain(String oid) {
        return DSTU4145NamedCurves.getByOID(new ASN1ObjectIdentifier(oid));
    }

    private static String digest(Digest digest, byte[] message) {
        digest.update(message, 0, message.length);
        byte[] value = new byte[digest.getDigestSize()];
        digest.doFinal(value, 0);
        return hex(value);
    }

    private static String mac(Mac mac, byte[] key, byte[] message) {
        mac.init(new KeyParameter(key));
        mac.update(message, 0, message.length);
        byte[] code = new byte[mac.getMacSize()];
        mac.doFinal(code, 0);
        return hex(code);
    }

    private static String stream(StreamCipher cipher, byte[] message) {
        byte[] output = new byte[message.length];
        cipher.processBytes(message, 0, message.length, output, 0);
        return hex(output);
    }

    private static byte[] octets(String word) {
        return word.equals("-") ? new byte[0] : HEX.parseHex(word);
    }

    private static String hex(byte[] octets) {
        return octets.length == 0 ? "-" : HEX.formatHex(octets);
    }
}
