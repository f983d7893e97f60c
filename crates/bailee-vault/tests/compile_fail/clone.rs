fn needs<T: Clone>() {}

fn main() {
    needs::<bailee_core::Plaintext>();
    needs::<bailee_core::AccessToken>();
    needs::<bailee_core::ClientSecret>();
    needs::<bailee_core::RefreshToken>();
    needs::<bailee_core::Verifier>();
    needs::<bailee_vault::Draft>();
    needs::<bailee_vault::Facts>();
    needs::<bailee_vault::Fields>();
    needs::<bailee_vault::KeyMaterial>();
    needs::<bailee_vault::RootKeys>();
    needs::<bailee_vault::View>();
}
