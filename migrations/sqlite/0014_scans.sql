-- Malware scanning (gateway/exchange/src/screening.rs): what the scanner said of a part in ranges, kept until the part becomes a
-- message's. JSON of schemas::scan::PartScan; NULL: nobody has looked at it.
ALTER TABLE upload_part ADD COLUMN scan TEXT;
