// BouncyCastle reads signed files: a question a line on standard input, an answer a line on standard output. Run by documents.rs as
// `java -cp bcprov.jar:bcpkix.jar:bcutil.jar Documents.java`. Octets are hexadecimal, "-" is none.
//
// Question: cms <SignedData> <detached content> <substitution table of GOST 34.311, 128 values>
// Answer: "refused" with a reason, or for each signature its value's verdict and what hangs on it, separated by "|":
// "<signature algorithm>:<good|bad>", then " counter:<good|bad>", " stamp:<good|bad>" (over the value), " archive:<good|bad>" (the token alone).

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Set;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.cms.CMSAttributes;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.crypto.Digest;
import org.bouncycastle.crypto.digests.DSTU7564Digest;
import org.bouncycastle.crypto.digests.GOST3411Digest;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.params.AsymmetricKeyParameter;
import org.bouncycastle.crypto.signers.DSTU4145Signer;
import org.bouncycastle.crypto.util.PublicKeyFactory;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.tsp.TimeStampToken;
import org.bouncycastle.util.Store;

public class Documents {
    private static final HexFormat HEX = HexFormat.of();
    private static final BouncyCastleProvider PROVIDER = new BouncyCastleProvider();
    private static final String UKRAINE = "1.2.804.2.1.1.1.1.";
    private static final ASN1ObjectIdentifier ARCHIVE = new ASN1ObjectIdentifier("0.4.0.1733.2.4");

    private final Store<X509CertificateHolder> certificates;
    private final byte[] table;
    private final byte[] content;

    private Documents(CMSSignedData file, byte[] content, byte[] table) {
        this.certificates = file.getCertificates();
        this.content = content;
        this.table = table;
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in));
        for (String line = questions.readLine(); line != null; line = questions.readLine()) {
            String answer;
            try {
                answer = answer(line.split(" "));
            } catch (Exception refusal) {
                answer = "refused: " + String.valueOf(refusal).replaceAll("\\s+", " ");
            }
            System.out.println(answer);
        }
    }

    private static String answer(String[] words) throws Exception {
        byte[] octets = HEX.parseHex(words[1]);
        byte[] detached = words[2].equals("-") ? null : HEX.parseHex(words[2]);
        CMSSignedData file = detached == null ? new CMSSignedData(octets) : new CMSSignedData(new CMSProcessableByteArray(detached), octets);
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        file.getSignedContent().write(content);
        Documents documents = new Documents(file, content.toByteArray(), HEX.parseHex(words[3]));
        List<String> verdicts = new ArrayList<>();
        for (SignerInformation signer : file.getSignerInfos()) {
            verdicts.add(documents.signature(signer));
        }
        return String.join("|", verdicts);
    }

    private String signature(SignerInformation signer) throws Exception {
        StringBuilder verdict = new StringBuilder(signer.getEncryptionAlgOID());
        verdict.append(word(verifies(signer, content)));
        for (SignerInformation counter : signer.getCounterSignatures()) {
            verdict.append(" counter").append(word(verifies(counter, signer.getSignature())));
        }
        for (TimeStampToken token : tokens(signer, PKCSObjectIdentifiers.id_aa_signatureTimeStampToken)) {
            byte[] imprint = digest(new SHA256Digest(), signer.getSignature());
            boolean isOver = Arrays.equals(imprint, token.getTimeStampInfo().getMessageImprintDigest());
            verdict.append(" stamp").append(word(isOver && verifies(token)));
        }
        for (TimeStampToken token : tokens(signer, ARCHIVE)) {
            verdict.append(" archive").append(word(verifies(token)));
        }
        return verdict.toString();
    }

    private static String word(boolean verdict) {
        return verdict ? ":good" : ":bad";
    }

    private boolean verifies(SignerInformation signer, byte[] content) throws Exception {
        X509CertificateHolder certificate = certificate(certificates, signer.getSID());
        if (!signer.getEncryptionAlgOID().startsWith(UKRAINE)) {
            return signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider(PROVIDER).build(certificate));
        }
        // BouncyCastle's CMS knows no DSTU 4145, its primitives do.
        ASN1Encodable value = signer.getSignedAttributes().get(CMSAttributes.messageDigest).getAttrValues().getObjectAt(0);
        byte[] expected = ASN1OctetString.getInstance(value).getOctets();
        if (!Arrays.equals(expected, digest(national(signer.getDigestAlgOID()), content))) {
            return false;
        }
        AsymmetricKeyParameter key = PublicKeyFactory.createKey(certificate.getSubjectPublicKeyInfo());
        byte[] hash = digest(national(signer.getDigestAlgOID()), signer.getEncodedSignedAttributes());
        // The halves r and s, least significant octet first.
        byte[] halves = signer.getSignature();
        DSTU4145Signer verifier = new DSTU4145Signer();
        verifier.init(false, key);
        int half = halves.length / 2;
        return verifier.verifySignature(hash, number(halves, 0, half), number(halves, half, halves.length));
    }

    private static BigInteger number(byte[] octets, int from, int to) {
        byte[] turned = new byte[to - from];
        for (int i = 0; i < turned.length; i++) {
            turned[i] = octets[to - 1 - i];
        }
        return new BigInteger(1, turned);
    }

    private Digest national(String oid) {
        switch (oid) {
            case UKRAINE + "2.1":
                return new GOST3411Digest(table);
            case UKRAINE + "2.2.1":
                return new DSTU7564Digest(256);
            default:
                throw new IllegalArgumentException(oid);
        }
    }

    private static byte[] digest(Digest digest, byte[] message) {
        digest.update(message, 0, message.length);
        byte[] value = new byte[digest.getDigestSize()];
        digest.doFinal(value, 0);
        return value;
    }

    private static List<TimeStampToken> tokens(SignerInformation signer, ASN1ObjectIdentifier type) throws Exception {
        List<TimeStampToken> tokens = new ArrayList<>();
        AttributeTable unsigned = signer.getUnsignedAttributes();
        if (unsigned == null) {
            return tokens;
        }
        for (int i = 0; i < unsigned.getAll(type).size(); i++) {
            ASN1Set values = ((Attribute) unsigned.getAll(type).get(i)).getAttrValues();
            tokens.add(new TimeStampToken(ContentInfo.getInstance(values.getObjectAt(0))));
        }
        return tokens;
    }

    // Token, authority's certificate and its purpose by BouncyCastle's own rules; where the authority signs with DSTU 4145, the value alone.
    private boolean verifies(TimeStampToken token) throws Exception {
        CMSSignedData file = token.toCMSSignedData();
        SignerInformation signer = file.getSignerInfos().iterator().next();
        if (signer.getEncryptionAlgOID().startsWith(UKRAINE)) {
            byte[] info = (byte[]) file.getSignedContent().getContent();
            return new Documents(file, info, table).verifies(signer, info);
        }
        X509CertificateHolder certificate = certificate(token.getCertificates(), token.getSID());
        token.validate(new JcaSimpleSignerInfoVerifierBuilder().setProvider(PROVIDER).build(certificate));
        return true;
    }

    @SuppressWarnings("unchecked")
    private static X509CertificateHolder certificate(Store<X509CertificateHolder> store, org.bouncycastle.cms.SignerId signer) {
        Collection<X509CertificateHolder> found = store.getMatches(signer);
        if (found.size() != 1) {
            throw new IllegalArgumentException(found.size() + " certificates of the signer");
        }
        return found.iterator().next();
    }
}
